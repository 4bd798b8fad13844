import type { RenamingAccess } from '../client/rename-mailbox.ts';
import type { Config } from '../config/config.ts';
import { accountBehind } from '../gmail/access/account-behind.ts';
import { parseCredentials } from '../gmail/access/credentials.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { createGoogleGmail } from '../gmail/api/google-gmail.ts';
import { scopesOf } from '../gmail/access/scopes.ts';
import { createTokenSource } from '../gmail/access/create-token-source.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import { isSameAddress } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { EncryptedRecord } from '../secrets/credential-store.ts';
import type { AccountStores } from './stored-credentials.ts';

/** Gives {@link TidemarkClient.rename} what it needs of Google and of the credentials. */
export function renamingAccess({
  config,
  stores,
  clock,
}: {
  config: Config;
  stores: AccountStores;
  clock: Clock;
}): RenamingAccess {
  const { store, credentials } = stores;

  /** Credentials of the new address go first: if somebody connected it already, the former ones may no longer work. */
  async function held({
    from,
    to,
  }: {
    from: MailboxId;
    to: MailboxId;
  }): Promise<{ mailbox: MailboxId; record: EncryptedRecord } | null> {
    for (const mailbox of [to, from]) {
      const record = await credentials.get(mailbox);
      if (record !== null) return { mailbox, record };
    }
    return null;
  }

  return {
    async refusalOf({ from, to }) {
      const row = await store.getMailbox(from);
      // A worker has asked Google already, and compared messages.
      if (row?.account?.address === to) return null;
      const known = await held({ from, to });
      if (known === null)
        return `No credentials of ${from} are stored, so Google cannot be asked whether its account is called ${to} now. If you know that it is: tidemark rename ${from} ${to} --force`;
      const network = createUndiciTransport();
      try {
        const { transport } = network;
        const parsed = parseCredentials(await (await secretKeysOf(config, clock)).open(known.mailbox, known.record));
        // A service account acts in the name of an address, and Google knows a renamed user only by the new one.
        const isDelegated = parsed.type === 'service_account';
        const tokens = createTokenSource({
          credentials: parsed,
          mailbox: isDelegated ? to : known.mailbox,
          tokenUrl: config.googleTokenUrl,
          scopes: scopesOf(row?.settings ?? DEFAULT_SETTINGS),
          transport,
          clock,
        });
        const gmail = createGoogleGmail({
          mailbox: from,
          tokens,
          transport,
          rootUrl: config.gmailRootUrl,
          clock,
          timeoutMs: 20_000,
        });
        const account = await accountBehind(gmail, { mailbox: from, witnesses: () => store.sampleMessages(from) });
        if (account.kind === 'another' && account.asked > 0) {
          return `The credentials of ${known.mailbox} open ${account.address}, which is another account than that of ${from} (it has ${account.found} of ${account.asked} stored messages): nothing was changed. If you know better: tidemark rename ${from} ${to} --force`;
        }
        if (account.kind === 'another' && isDelegated) {
          return `No message of ${from} is stored by which its account could be recognised, so nothing tells whether that is called ${to} now: nothing was changed. If you know that it is: tidemark rename ${from} ${to} --force`;
        }
        if (!isSameAddress(account.address, to)) {
          return `The address of ${from}'s account at Google is ${account.address}, not ${to}: nothing was changed. If you know better: tidemark rename ${from} ${to} --force`;
        }
        return null;
      } catch (error) {
        if (!(error instanceof GmailError)) throw error;
        return `Google could not be asked for the address of ${from}'s account: nothing was changed. ${error.message} Then try again, or, if you know the address: tidemark rename ${from} ${to} --force`;
      } finally {
        await network.close();
      }
    },

    async copyCredentials({ from, to }) {
      const known = await held({ from, to });
      if (known === null || known.mailbox === to) return;
      // The record is bound to the mailbox's id, so it must be encrypted again for the new one.
      const keys = await secretKeysOf(config, clock);
      await credentials.put(to, { ...(await keys.seal(to, await keys.open(from, known.record))), version: 0 });
    },
  };
}
