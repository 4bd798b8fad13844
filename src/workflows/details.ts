import { isWorthTelling, skewWords } from '../model/clock-skew.ts';
import type { Blocked } from './blocked.ts';
import { SIGNALS_SENTENCE } from './definitions.ts';
import type { LastError } from './last-error.ts';
import { backfillHeldUntil, phaseOf, type MailboxState } from './mailbox-state.ts';

/** The Markdown that the Temporal UI shows on a mailbox's page: ids, counts and times only. */
export function detailsOf(state: MailboxState): string {
  const total = state.stored + state.pending + state.failed;
  const share = total === 0 ? '' : ` (${Math.floor((100 * state.stored) / total)}%)`;
  const lines = [
    `**${state.mailbox}: ${phaseOf(state)}** since ${iso(state.phaseSince)}`,
    '',
    `| | |`,
    `|---|---|`,
    `| historyId | ${state.historyId ?? 'none yet'} |`,
    `| full sync | generation ${state.generation}, ${fullSyncWords(state)} |`,
    `| stored | ${count(state.stored)} of ${count(total)}${share} |`,
    `| pending | ${count(state.pending)} |`,
    `| failed | ${count(state.failed)} |`,
    ...quotaRows(state),
    `| last partial sync | ${state.syncedAt === null ? 'none yet' : iso(state.syncedAt)} |`,
    `| partial syncs | ${count(state.counters.partialSyncs)} (${count(state.counters.pokes)} pokes) |`,
    `| full syncs, recoveries | ${count(state.counters.fullSyncs)}, ${count(state.counters.recoveries)} |`,
  ];
  lines.push(...deliveryRows(state));
  if (state.rateLimited !== null) lines.push(`| rate limited | until ${iso(state.rateLimited.until)} |`);
  const heldUntil = backfillHeldUntil(state);
  if (heldUntil !== null)
    lines.push(
      `| backfill held back | until ${iso(heldUntil)}: the project's units of the day are spent` +
        `${state.paused || state.blocked !== null ? '' : '; live syncs go on'} |`,
    );
  if (isWorthTelling(state.clockSkew))
    lines.push(`| clock | the worker's is ${skewWords(state.clockSkew)} this server's: set both by NTP |`);
  if (isWorthTelling(state.gmailClockSkew))
    lines.push(
      `| clock | the worker's is ${skewWords(state.gmailClockSkew)} Gmail's: set it and this server's by NTP |`,
    );
  if (state.blocked !== null)
    lines.push('', `**What stopped it:** ${state.blocked.message}`, '', questionWords(state, state.blocked));
  if (state.lastError !== null && state.lastError.message !== state.blocked?.message)
    lines.push('', errorWords(state.lastError, state.blocked));
  // The static details name the signals, too, but continue-as-new does not carry them over.
  lines.push('', SIGNALS_SENTENCE);
  return lines.join('\n');
}

function errorWords({ message, at, mendedAt = null }: LastError, blocked: Blocked | null): string {
  if (mendedAt === null) return `Last error, ${iso(at)}: ${message}`;
  const over = `${iso(at)} to ${iso(mendedAt)}`;
  return blocked === null
    ? `No error now. The last one, from ${over}, was: ${message}`
    : `Another error, from ${over}, is over: ${message}`;
}

function questionWords({ paused }: MailboxState, { asks, retryAt }: Blocked): string {
  if (paused) return 'It is paused: nothing is asked before the signal `resume`.';
  return (
    `It is asked again by itself at ${iso(retryAt)} ` +
    `(${asks === 0 ? 'for the first time' : `${count(asks)} ${asks === 1 ? 'attempt' : 'attempts'} failed so far`}), ` +
    'or at once by the signal `resume`.'
  );
}

/**
 * The quota as the last activity reported it. The end of the backfill is shown as a point in time, which stays true
 * longer than a duration.
 */
function quotaRows({ quota, pending }: MailboxState): string[] {
  if (quota === null) return [];
  const { units, rejected, lastMinute, unitsPerMinute, unitsLeft, finishAt } = quota;
  const rows = [`| units used | ${count(units)}, calls rejected: ${count(rejected)} |`];
  // An idle mailbox gets no newer figures, and a rate from days ago would pass for today's.
  if (pending > 0)
    rows.push(
      `| rate | ${count(lastMinute)} units in the last minute, ${count(unitsPerMinute)} granted |`,
      `| left | ${count(unitsLeft)} units, ETA ${finishAt === null ? 'not known yet' : iso(finishAt)} |`,
    );
  return rows;
}

/** `failing`: also an attempt that ended its worker. `no-handler`: another worker may have the handler. */
const WHY_DELIVERY_WAITS = {
  failing: 'its last attempt failed, did not end, or could not be made',
  'no-handler': 'the worker that took them does not have its handler',
  busy: 'its worker makes other attempts first',
} as const satisfies Record<MailboxState['deliveries']['waiting'][number]['why'], string>;

function deliveryRows({ deliveries, webhooks, paused }: MailboxState): string[] {
  const waiting = [...deliveries.waiting, ...webhooks.waiting];
  const waits = deliveries.waits + webhooks.waits;
  const rows = waiting.map(
    ({ subscription, why, since, until }) =>
      `| deliveries to ${subscription} | wait since ${iso(since)}: ${WHY_DELIVERY_WAITS[why]}; ` +
      `next attempt ${paused ? 'after the signal `resume`' : iso(until)} |`,
  );
  const more = waits - waiting.length;
  return more > 0
    ? [...rows, `| deliveries | ${count(more)} more ${more === 1 ? 'subscription waits' : 'subscriptions wait'} |`]
    : rows;
}

function fullSyncWords(state: MailboxState): string {
  if (state.fullSync.kind === 'listing') return `listing (${state.fullSync.reason})`;
  if (state.fullSync.kind === 'unknown') return 'asking the store';
  return state.fullSync.kind;
}

const iso = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
const count = (n: number): string => n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
