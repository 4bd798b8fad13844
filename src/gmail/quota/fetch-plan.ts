import type { MessageId, ThreadId } from '../../model/ids.ts';
import type { PriceTable } from '../../model/prices.ts';
import type { WorkLeft } from '../../model/work-left.ts';
import type { MessageFormat } from '../../model/settings.ts';
import type { FetchRequest } from '../api/gmail-api.ts';
import { FREE, isCheaper, priceOfCall, sumOf, times, type FetchPrice, type Priced } from './fetch-price.ts';

/** A message to fetch, from the work list. */
export interface WantedMessage {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** How many messages of its thread the store knows; threads.get would bring that many. */
  readonly threadSize: number;
  /** How many attachments a held FULL body lacks; null when no such body is held. */
  readonly lacking: number | null;
  readonly attempts: number;
}

export interface PlannedFetch<Wanted extends WantedMessage> {
  readonly request: FetchRequest;
  /** The wanted messages that it serves. */
  readonly serves: readonly Wanted[];
  readonly units: number;
  /** True when it fetches, as RAW, the attachments of a body that is already held. */
  readonly completes: boolean;
}

/** Which form of a message is fetched. */
export interface FetchTarget {
  readonly format: MessageFormat;
  /** See `wantsAttachments`. */
  readonly attachments: boolean;
}

/** A longer thread is fetched message by message, since its whole answer would have to be held in memory. */
const LARGEST_THREAD = 100;

/**
 * The cheapest way to fetch the wanted messages, in their order: thread by thread
 * min(price of messages.get × messages wanted, price of threads.get), in money where requests cost some, else in units.
 * Prices: https://developers.google.com/workspace/gmail/api/guides/quotas
 *
 * Attachments missing from a held FULL body: one RAW get of the message brings all of them for the price of one
 * messages.attachments.get. Such fetches come last, since they hold whole messages in memory.
 *
 * A message that failed before is fetched alone, so that it cannot fail the rest of its thread.
 */
export function planFetch<Wanted extends WantedMessage>(
  wanted: readonly Wanted[],
  { format, attachments }: FetchTarget,
  prices: PriceTable,
): PlannedFetch<Wanted>[] {
  const threads = new Map<ThreadId, Wanted[]>();
  const plan: PlannedFetch<Wanted>[] = [];
  const completions = wanted.filter((message) => attachments && message.lacking !== null);
  const completed = new Set(completions);
  for (const message of wanted) {
    if (completed.has(message)) continue;
    const thread = threads.get(message.threadId);
    if (thread === undefined) threads.set(message.threadId, [message]);
    else thread.push(message);
  }
  for (const [threadId, messages] of threads) {
    const fresh = messages.filter((message) => message.attempts === 0);
    const byThread = format !== 'raw' && isThreadCheaper(fresh, prices);
    if (byThread)
      plan.push({
        request: { kind: 'thread', id: threadId },
        serves: fresh,
        units: prices.units['threads.get'],
        completes: false,
      });
    for (const message of byThread ? messages.filter((other) => other.attempts > 0) : messages) {
      plan.push({
        request: { kind: 'message', id: message.id },
        serves: [message],
        units: prices.units['messages.get'],
        completes: false,
      });
    }
  }
  for (const message of completions) {
    plan.push({
      request: { kind: 'message', id: message.id, format: 'raw' },
      serves: [message],
      units: prices.units['messages.get'],
      completes: true,
    });
  }
  return plan;
}

/**
 * What {@link planFetch} will come to for the work. If attachments are wanted, this includes an estimate for messages
 * yet to be fetched, by the share of fetched ones that have attachments.
 */
export function priceOfWork(
  { threads, tried, lacking, attachedShare }: WorkLeft,
  { format, attachments }: FetchTarget,
  prices: Priced,
): FetchPrice {
  const single = priceOfCall('messages.get', prices);
  const whole = priceOfCall('threads.get', prices);
  const byThread = (fresh: number): FetchPrice => {
    const each = times(single, fresh);
    return format !== 'raw' && fresh <= LARGEST_THREAD && isCheaper(whole, each) ? whole : each;
  };
  const unread = threads.reduce((sum, { fresh, threads: count }) => sum + fresh * count, tried);
  return sumOf([
    ...threads.map(({ fresh, threads: count }) => times(byThread(fresh), count)),
    times(single, tried),
    attachments ? times(single, unread * attachedShare) : FREE,
    times(single, lacking),
  ]);
}

function isThreadCheaper(fresh: readonly WantedMessage[], prices: Priced): boolean {
  const size = Math.max(0, ...fresh.map((message) => message.threadSize));
  const each = times(priceOfCall('messages.get', prices), fresh.length);
  return size <= LARGEST_THREAD && isCheaper(priceOfCall('threads.get', prices), each);
}
