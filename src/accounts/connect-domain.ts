import { InvalidCredentialsError, parseCredentials } from '../gmail/access/credentials.ts';
import type { DirectoryUser } from '../gmail/access/directory.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { MailboxId } from '../model/ids.ts';
import type { TidemarkError } from '../model/tidemark-error.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import { connectOne, readHeld, type UserOutcome } from './connect-user.ts';
import { requireDelegation, usersOf } from './domain-delegation.ts';
import type { ConnectDomainRequest, ConnectedDomain, RenamedUser } from './domain-request.ts';
import { mirroredElsewhere } from './mirrored-elsewhere.ts';

/** Workflows start faster than their first tasks run: after each slice the workers get time to catch up. */
const SLICE = 20;
const PAUSE = 500;

/**
 * Connects and starts every mailbox of a Workspace domain.
 *
 * It may be interrupted and run again, for example to add new users: credentials are stored before a mailbox is
 * started, equal credentials are not stored twice, and a mailbox that runs or was stopped is not started again.
 *
 * @throws {InvalidCredentialsError} when the file does not belong to a service account
 * @throws {DirectoryError} when the users cannot be listed, the delegation lacks a scope, or Google issues no token for
 * any user
 * @throws {SecretKeyError} when none of the stored credentials can be decrypted
 * @throws {OtherDatabaseError} when all mailboxes of these users that run are mirrored in another database
 * @throws the signal's reason when it aborts
 */
export async function connectDomain(request: ConnectDomainRequest): Promise<ConnectedDomain> {
  const { config, tidemark, clock, credentials: text, signal } = request;
  const credentials = parseCredentials(text);
  if (credentials.type !== 'service_account')
    throw new InvalidCredentialsError(
      "A whole domain needs a service account with domain-wide delegation; these credentials are one person's.",
      { remedy: { kind: 'connect-single' } },
    );
  const network = createUndiciTransport();
  try {
    const users = await usersOf(request, credentials, network.transport);
    const present = users.filter(({ leftOut }) => leftOut === null).map(({ mailbox }) => mailbox);
    const failed = new Map<MailboxId, TidemarkError>(
      await requireDelegation(present, request, credentials, network.transport),
    );
    const keys = await secretKeysOf(config, clock);
    const held = await readHeld(present, request, keys);
    for (const [mailbox, { error }] of held) if (error !== null) failed.set(mailbox, error);

    const running = await tidemark.client.running();
    const elsewhere = await mirroredElsewhere(
      present.filter((mailbox) => running.has(mailbox)),
      request,
    );
    for (const [mailbox, error] of elsewhere) failed.set(mailbox, error);
    const outcomes = new Map<MailboxId, UserOutcome>();
    const renamed = await renamedUsers(users, tidemark.store);
    const wanted = present.filter((mailbox) => !failed.has(mailbox) && !renamed.some(({ to }) => to === mailbox));
    for (let from = 0; from < wanted.length; from += SLICE) {
      signal.throwIfAborted();
      const slice = wanted.slice(from, from + SLICE);
      const done = await Promise.all(
        slice.map((mailbox) =>
          connectOne(mailbox, {
            ...request,
            keys,
            held: held.get(mailbox)?.kind ?? 'none',
            isRunning: running.has(mailbox),
          }),
        ),
      );
      for (const [index, mailbox] of slice.entries()) outcomes.set(mailbox, done[index] ?? 'running');
      request.onProgress?.(outcomes.size, wanted.length);
      if (!request.dryRun && done.includes('started') && from + SLICE < wanted.length) await clock.sleep(PAUSE, signal);
    }
    const which = (outcome: UserOutcome): MailboxId[] => present.filter((mailbox) => outcomes.get(mailbox) === outcome);
    return {
      started: which('started'),
      running: which('running'),
      stopped: which('stopped'),
      ownGrant: which('own-grant'),
      renamed,
      failed: [...failed].map(([mailbox, { message, remedy }]) => ({ mailbox, message, remedy })),
      leftOut: users.flatMap(({ mailbox, leftOut }) => (leftOut === null ? [] : [{ mailbox, reason: leftOut }])),
    };
  } finally {
    await network.close();
  }
}

/**
 * A stored mailbox whose address is now an alias of another user was probably renamed. That is not certain, since the
 * alias may come from a deleted account: `tidemark rename` compares messages with Google's.
 */
async function renamedUsers(users: readonly DirectoryUser[], store: MailboxRegistry): Promise<readonly RenamedUser[]> {
  const renamed: RenamedUser[] = [];
  for (const { mailbox: to, aliases, leftOut } of users) {
    if (leftOut !== null || aliases.length === 0 || (await store.getMailbox(to)) !== null) continue;
    for (const mailbox of aliases) if ((await store.getMailbox(mailbox)) !== null) renamed.push({ mailbox, to });
  }
  return renamed;
}
