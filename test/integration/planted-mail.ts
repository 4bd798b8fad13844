import { DatabaseSync } from 'node:sqlite';

import type { MessageId } from '../../src/model/ids.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

/** So deep that a recursive reader runs out of stack. */
const DEPTH = 20_000;

const OPENED = '{"mimeType":"multipart/mixed","parts":[';
const nested = `${OPENED.repeat(DEPTH)}{"mimeType":"text/plain"}${']}'.repeat(DEPTH)}`;

/** What earlier versions stored, or a hand wrote, in one message each. The columns are those of `messages`. */
const PLANTED: readonly { readonly body?: string; readonly columns?: string }[] = [
  { columns: 'size_estimate = 9007199254740993' },
  { columns: 'internal_date = 9223372036854775807' },
  { columns: 'internal_date = -9223372036854775807, size_estimate = -1' },
  { columns: 'discovered_at = 9223372036854775807, rank = 9007199254740993' },
  { body: `{"payload":${nested}}` },
  { body: 'no JSON at all' },
  { body: '{"payload":[[1]],"labelIds":7}' },
];

/** Numbers of the other tables. */
const NUMBERS = [
  'update message_headers set sent_at = 9223372036854775807',
  'update changes set at = 9223372036854775807 where sequence = 2',
];

/** Spoils stored messages of a mailbox in every way, and leaves the others sound. */
export async function plant(rig: Rig, box: TestMailbox): Promise<void> {
  const { store } = rig.tidemark;
  const stored: MessageId[] = [];
  for await (const { format: _, lacks: __, ...message } of store.streamMessages(box.id)) {
    const { body } = PLANTED[stored.length] ?? {};
    stored.push(message.id);
    if (body === undefined) continue;
    const messages = [{ ...message, body: Buffer.from(body) }];
    await store.saveFetched({ mailbox: box.id, messages, format: 'full', now: systemClock.now() });
  }
  const database = new DatabaseSync(rig.databaseFile);
  for (const [index, { columns }] of PLANTED.entries())
    if (columns !== undefined)
      database.prepare(`update messages set ${columns} where id = ?`).run(stored[index] ?? 'too few messages');
  for (const numbers of NUMBERS) database.exec(numbers);
  database.exec("update messages set next_attempt_at = 9223372036854775807 where state = 'failed'");
  database.close();
}
