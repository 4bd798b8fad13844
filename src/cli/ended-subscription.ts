import type { Subscription } from '../model/subscription.ts';
import { timeOf } from './words.ts';

interface Subscriptions {
  subscriptions(): Promise<readonly Pick<Subscription, 'name' | 'ended'>[]>;
}

/** When and why the subscription ended; null while it delivers. */
export async function endOfSubscription(deliveries: Subscriptions, name: string): Promise<Subscription['ended']> {
  return (await deliveries.subscriptions()).find((each) => each.name === name)?.ended ?? null;
}

/** Nothing is delivered to a subscription that its receiver has ended, whatever its positions say. */
export const endedLines = (name: string, ended: Subscription['ended']): readonly string[] =>
  ended === null
    ? []
    : [
        `${name} ended at ${timeOf(ended.at)}: ${ended.reason}. Nothing is delivered. ` +
          `Once its receiver wants deliveries again: tidemark subscribe ${name}`,
      ];
