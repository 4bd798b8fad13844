import type { FaultEffect, FaultMatch } from '../../src/simulator/faults.ts';

type Method = NonNullable<FaultMatch['method']>;
export type Extent = 'once' | 'twice' | 'ten minutes';

export const EXTENTS: readonly Extent[] = ['once', 'twice', 'ten minutes'];
/**
 * The methods that the engine calls. Refusals of tokens are drawn separately: they can prove that a grant has ended.
 */
export const METHODS = [
  'getProfile',
  'labels.list',
  'labels.get',
  'messages.list',
  'messages.get',
  'messages.attachments.get',
  'threads.get',
  'history.list',
  'watch',
  'stop',
  'batch',
] as const satisfies Method[];
export type Called = (typeof METHODS)[number];

/** Methods whose answers name a history id. */
export const NAMING_HISTORY = ['messages.get', 'getProfile', 'history.list', 'watch'] as const satisfies Method[];

export const LISTS = ['messages.list', 'history.list', 'labels.list'] as const satisfies Method[];

interface Answered {
  readonly name: string;
  readonly effect: FaultEffect;
}

export const REFUSALS: readonly Answered[] = [
  { name: '400', effect: { kind: 'status', status: 400 } },
  { name: '400 not enabled', effect: { kind: 'status', status: 400, message: 'Mail service not enabled' } },
  { name: '401', effect: { kind: 'status', status: 401 } },
  { name: '403', effect: { kind: 'status', status: 403 } },
  { name: '403 not configured', effect: { kind: 'status', status: 403, reason: 'accessNotConfigured' } },
  { name: '403 domain policy', effect: { kind: 'status', status: 403, reason: 'domainPolicy' } },
  { name: '404', effect: { kind: 'status', status: 404 } },
  { name: '404 in HTML', effect: { kind: 'intercept', status: 404 } },
  { name: '410', effect: { kind: 'status', status: 410 } },
  { name: '500', effect: { kind: 'status', status: 500 } },
  { name: '500 in HTML', effect: { kind: 'intercept', status: 500 } },
];

const EMPTY: Answered = { name: 'empty-object', effect: { kind: 'empty-object' } };

/** One answer that differs from the documented one, at one method, for one extent. */
export interface Cell extends Answered {
  readonly method: Called;
  readonly extent: Extent;
}

/** Every refusal, and `{}`, at every method and at the batch endpoint, for every extent. */
export const MATRIX: readonly Cell[] = METHODS.flatMap((method) =>
  [...REFUSALS, EMPTY].flatMap((answered) => EXTENTS.map((extent) => ({ ...answered, method, extent }))),
);

/** The cell of {@link MATRIX} that a schedule draws in any case: as many seeds in a row draw all of them. */
export function cellOf(seed: number): Cell {
  const cell = MATRIX[seed % MATRIX.length];
  if (cell === undefined) throw new Error('a seed is a whole number from 0 on');
  return cell;
}

/** What an odd answer is called in reports. */
export const cellName = (cell: { readonly name: string; readonly method: string; readonly extent: Extent }): string =>
  `${cell.name} at ${cell.method}, ${cell.extent}`;

/** Whether the answer can only be met where Gmail publishes changes. */
export const needsTopic = ({ method }: Cell): boolean => method === 'watch' || method === 'stop';

/** Whether the answer says of messages that exist that they do not. */
export const denies = (method: Called, name: string): boolean =>
  (method === 'messages.get' || method === 'threads.get') && /^4(04|10)/.test(name);

/** Whether the answer makes the scope's listing lack messages. */
export const lacksMessages = (method: Called, { kind }: FaultEffect): boolean =>
  method === 'messages.list' && (kind === 'empty-page' || kind === 'cut-page' || kind === 'empty-object');
