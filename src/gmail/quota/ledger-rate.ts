import type { Ledger, RateTrial } from './ledger-document.ts';

/** A mailbox that spends too little to find out gets its rate back as well: after this time (ms), and in this time. */
const UNTRIED_FOR = 2 * 60_000;
const UNTRIED_RECOVERY = 8 * 60_000;
/** Ms without a change after which bursts are tried again. */
const FORGET_SMOOTHNESS = 60 * 60_000;
const SLOWEST = 0.02;

/** The fraction of the allowance to be spent now. A lowered rate grows again with what is spent at it. */
export function currentRate(ledger: Ledger, now: number): number {
  const { spentMs, holdMs } = trialOf(ledger);
  const untried = Math.max(0, now - ledger.changedAt - UNTRIED_FOR) / UNTRIED_RECOVERY;
  const tried = growth(Math.max(0, spentMs - holdMs) / 1_000);
  return Math.min(1, ledger.rate + Math.max(untried, tried));
}

/** Adds what was spent to the trial of the rate; negative for what was refused. */
export function withSpent(ledger: Ledger, milliseconds: number): Ledger {
  const trial = trialOf(ledger);
  return { ...ledger, trial: { ...trial, spentMs: Math.max(0, trial.spentMs + milliseconds) } };
}

const trialOf = ({ trial, changedAt }: Ledger): RateTrial =>
  trial.since === changedAt
    ? trial
    : { since: changedAt, refusedRate: 1, loweredSince: changedAt, spentMs: 0, holdMs: 0 };

/**
 * Slow at first, so that a limit that is still there refuses few calls. Then ever faster: half of the allowance comes
 * back within 12 seconds.
 */
const growth = (seconds: number): number => 0.005 * seconds + 0.003 * seconds ** 2;

export const isSmooth = (ledger: Ledger, now: number): boolean =>
  ledger.smooth && now - ledger.changedAt <= FORGET_SMOOTHNESS;

const SHORTEST_HOLD = 2_000;
const LONGEST_HOLD = 14_000;
/** What has lasted long is likely to last longer: the rate is held for one part in so many of that time. */
const LASTING = 20;
/** Ms within which a lowering is a sequel of the last one. */
const AGAIN_WITHIN = 60_000;
/** A rate refused again within this factor of the last refused one was tried too soon. */
const SAME = 1.05;

/**
 * Lowers the rate. It grows again when what is granted for `holdMs` has been spent without reason to lower it further.
 * By default that hold doubles as long as the same rate is refused. A given hold grows with the time for which the rate
 * has been low.
 */
export function lowerRate(ledger: Ledger, to: number, now: number, holdMs?: number): Ledger {
  const refusedRate = currentRate(ledger, now);
  const before = trialOf(ledger);
  const longer = Math.min(LONGEST_HOLD, Math.max(SHORTEST_HOLD, 2 * before.holdMs));
  const isAgain = refusedRate < SAME * before.refusedRate && now - before.since < AGAIN_WITHIN;
  const loweredSince = refusedRate === 1 ? now : before.loweredSince;
  const lasting = (now - loweredSince) / LASTING;
  const hold = holdMs === undefined ? (isAgain ? longer : SHORTEST_HOLD) : Math.max(holdMs, lasting);
  return {
    ...ledger,
    rate: Math.max(SLOWEST, to),
    changedAt: now,
    trial: { since: now, refusedRate, loweredSince, spentMs: 0, holdMs: hold },
    refused: [],
  };
}

/** Forgets the refusals so far and keeps the rate, since something else has changed. */
export function unchangedRate(ledger: Ledger, now: number): Ledger {
  return { ...ledger, rate: currentRate(ledger, now), changedAt: now, refused: [] };
}
