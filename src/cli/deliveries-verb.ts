import type { Command } from 'commander';

import type { DeliveryPosition, ParkedChange } from '../store/subscriptions/subscription-store.ts';
import { endedLines, endOfSubscription } from './ended-subscription.ts';
import { withAdvice } from './advice.ts';
import { onlyWith, parseCount } from './arguments.ts';
import { verb, withDeliveries, type Cli, type VerbOptions } from './verb-context.ts';
import { ago, count, counted, table, timeOf } from './words.ts';

interface DeliveriesOptions extends VerbOptions {
  readonly parked?: boolean;
  readonly limit: number;
}

export function addDeliveries(program: Command, cli: Cli): void {
  const command = verb(program, 'deliveries', {
    examples: ['tidemark deliveries crm', 'tidemark deliveries crm --parked'],
  })
    .argument('<name>', 'the subscription')
    .option('--parked', 'the changes and events that are parked, latest first')
    .option('--limit <n>', 'with --parked: show so many at most', parseCount, 100);
  onlyWith(command, 'limit', 'parked').action((name: string, options: DeliveriesOptions) =>
    withDeliveries(cli, options, async ({ deliveries, out, clock }) => {
      if (options.parked === true) {
        const parked = await deliveries.parked(name, { limit: options.limit });
        out.result({ name, parked }, () => parkedLines(name, parked));
        return;
      }
      const positions = await deliveries.positions(name);
      const ended = await endOfSubscription(deliveries, name);
      out.result({ name, ended, positions }, () => [
        ...positionLines(name, positions, { now: clock.now(), ended: ended !== null }),
        ...endedLines(name, ended),
      ]);
    }),
  );
}

function positionLines(
  name: string,
  positions: readonly DeliveryPosition[],
  { now, ended }: { readonly now: number; readonly ended: boolean },
): readonly string[] {
  if (positions.length === 0) return [`${name} asks for no mailbox that there is.`];
  const someNotKept = positions.some(({ notKept }) => notKept > 0);
  const rows = positions.map(
    ({ mailbox, sequence, head, delivered, parked, notKept, nextAttemptAt, error, remedy }) => [
      mailbox,
      count(sequence),
      count(head),
      count(delivered),
      count(parked),
      ...(someNotKept ? [count(notKept)] : []),
      error === null || ended ? (error ?? '') : `${withAdvice(error, remedy)} (${attemptWords(nextAttemptAt, now)})`,
    ],
  );
  return table(
    ['mailbox', 'at change', 'of', 'delivered', 'parked', ...(someNotKept ? ['not kept'] : []), 'error'],
    rows,
  );
}

/** A due attempt waits for a mailbox that runs, and the database does not know whether this one does. */
const attemptWords = (at: number | null, now: number): string =>
  at === null || at <= now ? 'next attempt due' : `next attempt ${ago(at, now)}`;

function parkedLines(name: string, parked: readonly ParkedChange[]): readonly string[] {
  if (parked.length === 0) return [`${name} has no parked changes.`];
  const rows = parked.map(({ mailbox, sequence, event, deliveryId, attempts, parkedAt, awaitsReplay, error }) => [
    mailbox,
    event === null ? count(sequence) : `${event.kind ?? 'event'}, after ${count(sequence)}`,
    count(attempts),
    timeOf(parkedAt),
    deliveryId,
    awaitsReplay ? `${error} (to be delivered once more)` : error,
  ]);
  return [
    ...table(['mailbox', 'change', 'attempts', 'parked', 'id', 'error'], rows),
    '',
    `${counted(parked.length, 'change')} shown. Deliver one once more: tidemark replay ${name} --parked ID; ` +
      `all: tidemark replay ${name} --parked; with later changes: tidemark replay ${name} --mailbox EMAIL --after N`,
  ];
}
