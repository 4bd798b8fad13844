import type { DatabaseSync } from 'node:sqlite';

export const idOf = (index: number): string => (0x18c0000000000000n + BigInt(index) * 7_919n).toString(16);

/**
 * Writes rows of stored messages of the first mailbox directly: storing a million messages one batch at a time is
 * measured elsewhere.
 */
export function messageRows(database: DatabaseSync): (index: number, labelIds: readonly string[]) => void {
  const message = database.prepare(
    `insert into messages (mailbox_key, id, thread_id, label_ids, state, history_id, reading_history_id, internal_date,
     size_estimate, snippet, format, rank, listed_generation, attempts, next_attempt_at, discovered_at,
     announced, described)
     values (1, ?, ?, ?, 'stored', '00000000000000000010', '00000000000000000010', ?, 4096, 'a snippet', 'full', 0, 1,
     0, 0, 1, 1, 1)`,
  );
  return (index, labelIds) => {
    message.run(idOf(index), idOf(index - (index % 3)), JSON.stringify(labelIds), index * 60_000);
  };
}
