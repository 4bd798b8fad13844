import { InvalidCredentialsError, parseCredentials } from '../gmail/access/credentials.ts';
import type { MailboxId } from '../model/ids.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import type { ConnectDomainRequest } from './domain-request.ts';

export type UserOutcome = 'started' | 'running' | 'stopped' | 'own-grant';

/** What the store holds for a mailbox, compared with the service account's credentials. */
export interface Held {
  readonly kind: 'none' | 'same' | 'other' | 'own-grant';
  readonly error: SecretKeyError | InvalidCredentialsError | null;
}

/**
 * Reads all records before anything is written, so that a wrong key is noticed. Otherwise the credentials of new
 * mailboxes would be encrypted with another key than the rest.
 */
export async function readHeld(
  mailboxes: readonly MailboxId[],
  { tidemark, credentials, signal }: ConnectDomainRequest,
  keys: SecretKeys,
): Promise<ReadonlyMap<MailboxId, Held>> {
  const held = new Map<MailboxId, Held>();
  for (const mailbox of mailboxes) {
    signal.throwIfAborted();
    const record = await tidemark.credentials.get(mailbox);
    if (record === null) continue;
    try {
      const text = await keys.open(mailbox, record);
      const kind =
        parseCredentials(text).type === 'authorized_user' ? 'own-grant' : text === credentials ? 'same' : 'other';
      held.set(mailbox, { kind, error: null });
    } catch (error) {
      if (!(error instanceof SecretKeyError || error instanceof InvalidCredentialsError)) throw error;
      held.set(mailbox, { kind: 'other', error });
    }
  }
  const errors = [...held.values()].map(({ error }) => error);
  const [first] = errors;
  if (first !== undefined && first !== null && !errors.includes(null)) throw first;
  return held;
}

export async function connectOne(
  mailbox: MailboxId,
  {
    tidemark,
    credentials: text,
    settings,
    dryRun,
    keys,
    held,
    isRunning,
  }: ConnectDomainRequest & { keys: SecretKeys; held: Held['kind']; isRunning: boolean },
): Promise<UserOutcome> {
  if (held === 'own-grant') return 'own-grant';
  const last = isRunning ? 'running' : await tidemark.client.lastRun(mailbox);
  // A removed mailbox has no credentials, and must not get new ones.
  if (last === 'ended' && held === 'none') return 'stopped';
  if (!dryRun && held !== 'same') {
    await tidemark.credentials.put(mailbox, { ...(await keys.seal(mailbox, text)), version: 0 });
    if (last === 'running') await tidemark.client.reconnect(mailbox);
  }
  if (last === 'running') return 'running';
  if (last === 'ended') return 'stopped';
  if (!dryRun) await tidemark.client.start(mailbox, settings);
  return 'started';
}
