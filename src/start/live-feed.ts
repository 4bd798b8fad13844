import type { Change } from '../model/change.ts';
import type { TidemarkClient } from '../client/tidemark-client.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';

const LOOK_EVERY = 300;

export interface LiveFeedRequest {
  readonly client: TidemarkClient;
  readonly mailbox: MailboxId;
  /** Sequence number to begin after. */
  readonly after: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** True when several mailboxes are followed: each line then names its mailbox. */
  readonly named: boolean;
}

/** Shows each change as it arrives in the store, until the signal aborts. */
export async function followLive({
  client,
  mailbox,
  after,
  clock,
  signal,
  say,
  named,
}: LiveFeedRequest): Promise<void> {
  let last = after;
  while (!signal.aborted) {
    for (const change of (await client.readChanges(mailbox, { after: last })).changes) {
      last = change.sequence;
      say(`${clockTime(change.at)}  ${named ? `${mailbox}  ` : ''}${sentenceOf(change)}`);
    }
    await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
  }
}

export const clockTime = (at: number): string => new Date(at).toTimeString().slice(0, 8);

function sentenceOf({ sequence, kind, messageId, labelIds }: Change): string {
  const labels = labelIds.length === 0 ? 'no labels' : labelIds.join(' ');
  return `store   ${`#${sequence}`.padEnd(6)} ${kind.padEnd(6)} ${messageId}${kind === 'gone' ? '' : `  ${labels}`}`;
}
