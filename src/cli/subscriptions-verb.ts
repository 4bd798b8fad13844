import type { Command } from 'commander';

import type { CountedSubscription } from '../client/deliveries-client.ts';
import { verb, withTidemark, type Cli, type VerbOptions } from './verb-context.ts';
import { count, table, timeOf } from './words.ts';

export function addSubscriptions(program: Command, cli: Cli): void {
  verb(program, 'subscriptions', { examples: ['tidemark subscriptions'] }).action((options: VerbOptions) =>
    withTidemark(cli, options, async ({ tidemark, out }) => {
      const subscriptions = await tidemark.client.deliveries.subscriptions();
      out.result({ subscriptions }, () => lines(subscriptions));
    }),
  );
}

function lines(subscriptions: readonly CountedSubscription[]): readonly string[] {
  if (subscriptions.length === 0) return ['There are no subscriptions.'];
  const rows = subscriptions.map(({ name, order, ended, failing, parked }) => [
    name,
    order.kind,
    count(failing),
    count(parked),
    ended === null ? 'delivers' : `ended ${timeOf(ended.at)}: ${ended.reason}`,
  ]);
  return table(['name', 'order', 'mailboxes failing', 'changes parked', 'state'], rows);
}
