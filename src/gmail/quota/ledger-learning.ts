import { believed, LONGEST_PAUSE, TEN_SECONDS, type Ledger } from './ledger-document.ts';
import { LONGEST_SPAN, unitsWithin } from './ledger-window.ts';

/** Gmail accepted a probe, so it does not limit spans of ten seconds. */
export const allowBursts = (ledger: Ledger): Ledger => ({ ...ledger, burstsAllowed: true });

export interface QuotaRefusal {
  /** Which limit was hit: the user's limit changes the pace, the project's limit only asks for patience. */
  readonly limit: 'user' | 'project';
  /** Epoch ms, when Gmail named a time. */
  readonly retryAt: number | null;
  /** In [0, 1): spreads out callers that were refused together. */
  readonly jitter: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
  /** Ms by which some calls take longer than others. They may arrive that much later than they are sent. */
  readonly lateness: number;
}

/** Refusals within this time (ms) are one event: the batches were already under way when the first was refused. */
const ONE_EVENT = 3_000;
const LONGEST_BACKOFF = 16_000;
const FORGET_REFUSALS = 60_000;

/**
 * Learns from a refusal. First the allowance is spread evenly, which costs no throughput. If that does not help, our
 * calls arrive later than they are sent, or another client spends the same quota. Our own spending shows which.
 */
export function learn(written: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const ledger = believed(written, now);
  const named = refusal.retryAt === null ? 0 : Math.min(refusal.retryAt, now + LONGEST_PAUSE);
  if (now - ledger.refusedAt < ONE_EVENT) return { ...ledger, pausedUntil: Math.max(ledger.pausedUntil, named) };
  const refusals = now - ledger.refusedAt > FORGET_REFUSALS ? 1 : ledger.refusals + 1;
  const stricter = refusal.limit === 'project' ? ledger : afterUserRefusal(ledger, refusal, now);
  const backoff = Math.min(LONGEST_BACKOFF, 1_000 * 2 ** (refusals - 1));
  return {
    ...stricter,
    refusals,
    refusedAt: now,
    pausedUntil: Math.max(ledger.pausedUntil, named, now + backoff * (0.5 + refusal.jitter / 2)),
  };
}

/** The units of refused calls were returned before, so the remaining spending was accepted, or has no answer yet. */
const hasSpentSince = ({ window }: Ledger, time: number): boolean => window.some(({ from }) => from > time);

/** The most that calls are taken to be late (ms). Gmail itself takes longer for some calls, which is no lateness. */
const LATEST = 300;
/** From this fraction of a limit on, our own calls alone may have been too many. */
const NEARLY_ALL = 0.97;
const SLOWEST = 0.02;
/** What is left of a rate that was refused. */
const LOWERED = 0.8;

/**
 * - The first refusal makes the pace smooth. If a sixth of the allowance within ten seconds was enough for it, Gmail
 *   counts ten seconds, where lateness matters.
 * - Then, if our own calls of ten seconds are nearly all that is granted, they arrived too close together.
 * - Otherwise another client spends the same quota, and the rate goes down by a fifth.
 * - If nothing was accepted since the last refusal, a used-up minute has to end, and no rate would help.
 */
function afterUserRefusal(ledger: Ledger, { userLimit, ...refusal }: QuotaRefusal, now: number): Ledger {
  const strict = { ...ledger, burstsAllowed: false, smooth: true };
  const inTen = unitsWithin(ledger.window, TEN_SECONDS, now, 2 * LATEST) / (userLimit / 6);
  const inMinute = unitsWithin(ledger.window, LONGEST_SPAN, now) / userLimit;
  const rate = currentRate(ledger, now);
  const late = inTen >= NEARLY_ALL ? Math.min(LATEST, refusal.lateness) : 0;
  if (!isSmooth(ledger, now)) {
    return { ...strict, changedAt: now, rate, lateness: inMinute < NEARLY_ALL ? late : 0 };
  }
  if (!hasSpentSince(ledger, ledger.refusedAt)) return { ...strict, changedAt: now, rate };
  if (ledger.lateness < late) return { ...strict, changedAt: now, rate, lateness: late };
  return { ...strict, changedAt: now, rate: Math.max(SLOWEST, rate * LOWERED) };
}

/** Ms in which the whole rate comes back. */
const RECOVERY = 10 * 60_000;
/** Ms without a refusal after which bursts are tried again. */
const FORGET_SMOOTHNESS = 60 * 60_000;

export const currentRate = (ledger: Ledger, now: number): number =>
  Math.min(1, ledger.rate + Math.max(0, now - ledger.changedAt) / RECOVERY);

export const isSmooth = (ledger: Ledger, now: number): boolean =>
  ledger.smooth && now - ledger.changedAt <= FORGET_SMOOTHNESS;
