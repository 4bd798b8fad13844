import { OtherDatabaseError } from '../client/errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ConnectDomainRequest } from './domain-request.ts';

/** How many mailboxes are asked at once: each question may make a worker replay a mailbox's history. */
const AT_ONCE = 20;

/**
 * The mailboxes that are mirrored in another database than the one that is open here. Without a worker it is unknown,
 * and no mailbox is asked: each question would wait for an answer in vain.
 *
 * @param mailboxes - those that run
 * @throws {OtherDatabaseError} when all of them are mirrored elsewhere: then this database is the wrong one, and new
 * mailboxes must not be started in it
 */
export async function mirroredElsewhere(
  mailboxes: readonly MailboxId[],
  { tidemark: { client }, signal }: Pick<ConnectDomainRequest, 'tidemark' | 'signal'>,
): Promise<ReadonlyMap<MailboxId, OtherDatabaseError>> {
  const elsewhere = new Map<MailboxId, OtherDatabaseError>();
  if (mailboxes.length === 0 || !(await client.hasWorker(signal))) return elsewhere;
  for (let from = 0; from < mailboxes.length; from += AT_ONCE) {
    signal.throwIfAborted();
    await Promise.all(
      mailboxes.slice(from, from + AT_ONCE).map(async (mailbox) => {
        try {
          await client.requireHere(mailbox);
        } catch (error) {
          if (!(error instanceof OtherDatabaseError)) throw error;
          elsewhere.set(mailbox, error);
        }
      }),
    );
  }
  const [first] = elsewhere.values();
  if (first !== undefined && elsewhere.size === mailboxes.length) throw first;
  return elsewhere;
}
