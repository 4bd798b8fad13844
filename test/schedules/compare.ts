import { createHash } from 'node:crypto';
import { labelId } from '../../src/model/ids.ts';
import { inScope, type MailboxSettings } from '../../src/model/settings.ts';
import { holdsParts } from './compare-parts.ts';
import type { World } from './world.ts';

const CHAT = labelId('CHAT');

interface Seen {
  readonly threadId: string;
  readonly labelIds: readonly string[];
  readonly content: string;
}

/** A mailbox's mirror and the Gmail that it mirrors. */
type Mirror = Pick<World, 'mailbox' | 'gmail'> & { readonly stores: Pick<World['stores'], 'store'> };

/** What differs between the store and Gmail; empty when the store is exact. */
export async function differences(world: Mirror, settings: MailboxSettings): Promise<string[]> {
  const { stores, mailbox, gmail } = world;
  const truth = new Map<string, Seen>();
  const raws = new Map<string, Buffer>();
  for (const message of gmail.truth({ includeSpamTrash: true })) {
    if (!inScope(settings.scope, message)) continue;
    if (settings.format === 'full' || message.labelIds.includes(CHAT))
      raws.set(message.id, Buffer.from(message.raw, 'base64url'));
    truth.set(message.id, { threadId: message.threadId, labelIds: message.labelIds, content: message.sha256 });
  }
  const held = new Map<string, Seen>();
  const found: string[] = [];
  for await (const message of stores.store.streamMessages(mailbox)) {
    const content =
      settings.format === 'raw' && message.body !== null ? createHash('sha256').update(message.body).digest('hex') : '';
    // Gmail has no raw of a chat: the full form stands in for it.
    const isChat = message.lacks === 'raw' && truth.get(message.id)?.labelIds.includes(CHAT) === true;
    if (message.format !== settings.format && !isChat) found.push(`format of ${message.id}`);
    const raw = message.format === 'full' ? raws.get(message.id) : undefined;
    if (raw !== undefined && (message.body === null || !holdsParts(message.body, raw, settings.attachments)))
      found.push(`parts of ${message.id}`);
    held.set(message.id, {
      threadId: message.threadId,
      labelIds: message.labelIds,
      content: isChat ? (truth.get(message.id)?.content ?? '') : content,
    });
  }
  return [
    ...found,
    ...compare(truth, held, settings.format === 'raw'),
    ...(await labelDifferences(world)),
    ...(await feedDifferences(world, held)),
  ];
}

function compare(truth: ReadonlyMap<string, Seen>, held: ReadonlyMap<string, Seen>, withContent: boolean): string[] {
  const found: string[] = [];
  for (const [id, message] of truth) {
    const mine = held.get(id);
    if (mine === undefined) found.push(`missing ${id}`);
    else if (mine.threadId !== message.threadId) found.push(`thread of ${id}`);
    else if (mine.labelIds.join() !== message.labelIds.join())
      found.push(`labels of ${id}: ${mine.labelIds.join()} for ${message.labelIds.join()}`);
    else if (withContent && mine.content !== message.content) found.push(`body of ${id}`);
  }
  for (const id of held.keys()) if (!truth.has(id)) found.push(`extra ${id}`);
  return found;
}

async function labelDifferences({ stores, mailbox, gmail }: Mirror): Promise<string[]> {
  const names = (labels: readonly { readonly id: string; readonly name: string }[]): string =>
    labels
      .map((label) => `${label.id}=${label.name}`)
      .sort()
      .join();
  const held = names(await stores.store.getLabels(mailbox));
  return held === names(gmail.labels()) ? [] : ['label names'];
}

/**
 * A reader of only the change feed must arrive at the same mailbox, without a gap in the sequence, also one who only
 * adds and removes the labels that each change names.
 */
async function feedDifferences({ stores, mailbox }: Mirror, held: ReadonlyMap<string, Seen>): Promise<string[]> {
  const replayed = new Map<string, string>();
  const found: string[] = [];
  let after = 0;
  for (;;) {
    const changes = await stores.store.readChanges({ mailbox, after, limit: 200 });
    for (const { sequence, kind, messageId, labelIds, added, removed } of changes) {
      if (sequence !== after + 1) found.push(`gap in the feed after ${after}`);
      after = sequence;
      const before = replayed.get(messageId)?.split(',').filter(Boolean) ?? [];
      const kept = before.filter((label) => !(removed ?? []).some((id) => id === label));
      const labels = [...kept, ...(added ?? [])].sort().join();
      if (labels !== labelIds.join()) found.push(`change ${sequence} leaves ${messageId} with ${labels}`);
      if (kind === 'gone') replayed.delete(messageId);
      else replayed.set(messageId, labels);
    }
    if (changes.length === 0) break;
  }
  for (const [id, message] of held)
    if (replayed.get(id) !== message.labelIds.join()) found.push(`feed says ${replayed.get(id) ?? 'nothing'} of ${id}`);
  for (const id of replayed.keys()) if (!held.has(id)) found.push(`feed keeps ${id}`);
  return found;
}
