import { existsSync } from 'node:fs';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { SecretOwner } from '../secrets/secret-owner.ts';
import { ownKeyFileOf, secretKeysOf } from '../storage/open-secret-keys.ts';
import { fault, ok, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

/** As many owners are named at most. */
const MOST_NAMES = 5;

/** Whether the keys open what is stored encrypted: credentials, and the secrets that sign webhooks. */
export async function examineKeys(
  { config, clock }: Installation,
  credentials: Pick<CredentialStore, 'list' | 'listWebhookSecrets' | 'get'>,
): Promise<Finding> {
  const owners: readonly SecretOwner[] = [...(await credentials.list()), ...(await credentials.listWebhookSecrets())];
  const keyFile = ownKeyFileOf(config);
  // Reading the keys would make the file.
  if (config.secrets.credentialKeys.kind === 'own-file' && keyFile !== null && !existsSync(keyFile)) {
    return owners.length === 0
      ? ok('keys', `No secret is stored yet. The first one makes the key file ${keyFile}.`)
      : fault('keys', `${keyFile} is missing, so nothing opens ${nounOf(owners)}. Restore the file, or connect again.`);
  }
  try {
    const keys = await secretKeysOf(config, clock);
    const closed: SecretOwner[] = [];
    for (const owner of owners) {
      const record = await credentials.get(owner);
      if (record !== null && !(await opens(() => keys.open(owner, record)))) closed.push(owner);
    }
    return closed.length === 0
      ? ok('keys', owners.length === 0 ? 'No secret is stored yet.' : `The keys open ${nounOf(owners)}.`)
      : fault(
          'keys',
          `No key opens ${nounOf(closed)}: ${named(closed)}. ` +
            'Give the former key in TIDEMARK_OLD_SECRET_KEYS, or connect these mailboxes again.',
        );
  } catch (error) {
    return fault('keys', error);
  }
}

const opens = (attempt: () => Promise<unknown>): Promise<boolean> =>
  attempt().then(
    () => true,
    () => false,
  );

const nounOf = (owners: readonly SecretOwner[]): string =>
  owners.length === 1 ? 'the one stored secret' : `the ${owners.length} stored secrets`;

function named(owners: readonly SecretOwner[]): string {
  const names = owners.slice(0, MOST_NAMES).join(', ');
  return owners.length > MOST_NAMES ? `${names} and ${owners.length - MOST_NAMES} more` : names;
}
