import type { Command } from 'commander';

import type { CountedSubscription } from '../client/stored-deliveries.ts';
import type { SubscriptionTarget } from '../model/subscription.ts';
import { verb, withDeliveries, type Cli, type VerbOptions } from './verb-context.ts';
import { count, table, timeOf } from './words.ts';

export function addSubscriptions(program: Command, cli: Cli): void {
  verb(program, 'subscriptions', { examples: ['tidemark subscriptions'] }).action((options: VerbOptions) =>
    withDeliveries(cli, options, async ({ deliveries, out }) => {
      const subscriptions = await deliveries.subscriptions();
      out.result({ subscriptions }, () => lines(subscriptions));
    }),
  );
}

/** Without path and query, which often hold a secret. */
function targetWords(target: SubscriptionTarget): string {
  return target.kind === 'handler' ? 'a handler' : new URL(target.url).origin;
}

function lines(subscriptions: readonly CountedSubscription[]): readonly string[] {
  if (subscriptions.length === 0) return ['There are no subscriptions.'];
  const rows = subscriptions.map(({ name, target, order, ended, failing, parked }) => [
    name,
    targetWords(target),
    order.kind,
    count(failing),
    count(parked),
    ended === null ? 'delivers' : `ended ${timeOf(ended.at)}: ${ended.reason}`,
  ]);
  return table(['name', 'target', 'order', 'mailboxes failing', 'changes parked', 'state'], rows);
}
