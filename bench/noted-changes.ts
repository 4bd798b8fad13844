import { readFileSync } from 'node:fs';

import type { MailboxId } from '../src/model/ids.ts';

/** A change, as its place in the feed of its mailbox. */
export interface PlacedChange {
  readonly mailbox: MailboxId;
  readonly sequence: number;
}

/** A change that a handler was called with. */
export interface HandledChange extends PlacedChange {
  /** The id of its delivery. */
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
}

/** What the handler of `delivery-worker.ts` wrote into its file, in the order of its calls. */
export function handledChanges(file: string): readonly HandledChange[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as HandledChange);
}

/** The changes in the body of a webhook. */
export function changesIn(body: string): readonly PlacedChange[] {
  const { data } = JSON.parse(body) as {
    readonly data: PlacedChange & { readonly events?: readonly { readonly data: PlacedChange }[] };
  };
  return data.events?.map((event) => event.data) ?? [data];
}
