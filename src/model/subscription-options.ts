import { knownOptions, shown } from './options.ts';
import {
  InvalidSubscriptionError,
  type Beginning,
  type DeliveryOrderChange,
  type FilterOptions,
} from './subscription.ts';

/** What a product says of a subscription, in code or in plain JavaScript. */
interface SubscriptionOptions {
  readonly filter?: FilterOptions | undefined;
  readonly beginning?: Beginning | undefined;
  readonly order?: DeliveryOrderChange | undefined;
}

const BEGINNINGS = ['now', 'first', 'since', 'cursor'] as const satisfies readonly Beginning['kind'][];
const ORDERS = ['park', 'above-all'] as const;

/**
 * Refuses options that would silently ask for other changes: a misspelt condition would be ignored, and every change
 * delivered.
 *
 * @throws {InvalidSubscriptionError} when a part has another form than its type says
 */
export function checkSubscriptionOptions(name: string, { filter, beginning, order }: SubscriptionOptions): void {
  const refusal = (message: string): Error => new InvalidSubscriptionError(message);
  if (filter !== undefined) checkFilter(name, filter, refusal);
  if (beginning !== undefined && !BEGINNINGS.some((kind) => kind === kindOf(beginning)))
    throw refusal(
      `The beginning of ${name} is ${said(beginning)}: expected an object whose kind is ${BEGINNINGS.join(', ')}.`,
    );
  if (order !== undefined && !ORDERS.some((kind) => kind === kindOf(order)) && !givesAttempts(order))
    throw refusal(`The order of ${name} is ${said(order)}: expected { kind: 'park' } or { kind: 'above-all' }.`);
}

function checkFilter(name: string, filter: FilterOptions, refusal: (message: string) => Error): void {
  knownOptions(
    `The filter of ${name}`,
    filter,
    { mailboxes: true, kinds: true, events: true, labels: true, subject: true, from: true },
    refusal,
  );
  for (const condition of ['mailboxes', 'kinds', 'events', 'labels'] as const) {
    const given: unknown = filter[condition];
    const list = given === undefined || (given === null && condition !== 'events') ? [] : given;
    if (!Array.isArray(list) || !list.every((each) => typeof each === 'string'))
      throw refusal(`The filter of ${name} has "${condition}" that are no list of texts.`);
  }
  for (const condition of ['subject', 'from'] as const) {
    const part: unknown = filter[condition] ?? '';
    if (typeof part !== 'string') throw refusal(`The filter of ${name} has "${condition}" that is no text.`);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const kindOf = (value: unknown): unknown => (isObject(value) && 'kind' in value ? value.kind : undefined);

/** Whether only the attempts are named, as a change of an order that parks. */
const givesAttempts = (order: unknown): boolean =>
  isObject(order) && kindOf(order) === undefined && 'attempts' in order;

const said = (value: unknown): string => shown(isObject(value) ? kindOf(value) : value);
