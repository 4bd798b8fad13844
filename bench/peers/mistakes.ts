import type { MailCopy, Peer } from './peer.ts';
import type { Truth } from './shared-gmail.ts';

/** What is wrong in a copy: messages of each kind. One with wrong labels and a wrong body counts as both. */
export interface Mistakes {
  readonly missing: number;
  readonly surplus: number;
  readonly labels: number;
  readonly bodies: number;
}

/** Compares a copy with what Gmail has. Only what the program is meant to keep is asked of it. */
export async function mistakesOf(peer: Peer, copy: MailCopy, truth: Truth): Promise<Mistakes> {
  const due = new Map(
    truth.messages.filter(({ labelIds }) => peer.keepsMessage(labelIds)).map((message) => [message.id, message]),
  );
  const mistakes = { missing: 0, surplus: 0, labels: 0, bodies: 0 };
  const keptOf = (labelIds: readonly string[]): string => labelIds.filter(peer.keepsLabel).toSorted().join();
  for await (const { id, labelIds, body } of copy.held()) {
    const message = due.get(id);
    if (message === undefined) {
      mistakes.surplus += 1;
      continue;
    }
    due.delete(id);
    if (keptOf(labelIds) !== keptOf(message.labelIds)) mistakes.labels += 1;
    if (body === null || !peer.isBodyOf(body, Buffer.from(message.raw, 'base64url'))) mistakes.bodies += 1;
  }
  return { ...mistakes, missing: due.size };
}

export const sumOf = ({ missing, surplus, labels, bodies }: Mistakes): number => missing + surplus + labels + bodies;

/** For example `3 missing, 1 with wrong labels`; empty when nothing is wrong. */
export function described({ missing, surplus, labels, bodies }: Mistakes): string {
  const parts = [
    [missing, 'missing'],
    [surplus, 'too many'],
    [labels, 'with wrong labels'],
    [bodies, 'with a wrong body'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`)
    .join(', ');
}
