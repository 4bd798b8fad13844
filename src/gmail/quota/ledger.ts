import { believed, FRESH, PACE_SLACK, TEN_SECONDS, type Ledger } from './ledger-document.ts';
import { currentRate, isSmooth, withSpent } from './ledger-rate.ts';
import {
  fitsAt,
  giveBack,
  liveUnits,
  LONGEST_SPAN,
  marginOf,
  roomNow,
  spend,
  unitsWithin,
  type WindowLimit,
} from './ledger-window.ts';
import type { Lane } from '../../model/lane.ts';

export interface Reservation {
  readonly lane: Lane;
  /** Units of each request, in order. As many as fit are granted, from the first. */
  readonly prices: readonly number[];
  /** Units a minute that Gmail grants the user, times the share that is ours. */
  readonly granted: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
}

/** Units for the first `count` requests. */
export interface Grant {
  readonly count: number;
  readonly units: number;
  /** Epoch ms at which the ledger recorded the units. */
  readonly at: number;
  /** The ms in which the pace grants so many units. */
  readonly paceMs: number;
  /**
   * It is not known yet whether Gmail accepts so much so soon. No other call should start before it is answered.
   */
  readonly probe: boolean;
  /** No call has been accepted since the last refusal. If one of these is, the ledger is to be told. */
  readonly isAwaited: boolean;
}

export type ReservationResult =
  | ({ readonly kind: 'granted' } & Grant)
  /** `told`: Gmail asked for the wait; otherwise our own pace does. */
  | { readonly kind: 'wait'; readonly until: number; readonly told: boolean };

/** Calls in a probe: this many may be refused to learn the limit. */
export const PROBE_CALLS = 8;
/** The part of the allowance that a burst leaves to the live lane. A long backfill leaves {@link LEAST_RESERVE}. */
const BURST_RESERVE = 0.05;
export const LEAST_RESERVE = 0.01;
const LARGEST_RESERVE = 0.5;
/** Below this many units a minute the live lane only looks for news and needs no reserve of its own. */
const LIVE_TRAFFIC = 40;
/** A waiting call gets at least this many milliseconds' worth of units, so that a batch is not sent in tiny pieces. */
const LEAST_PERMIT = 500;
/**
 * The same at a smooth pace, where smaller pieces are taken: units that stay free while a call waits for more are
 * throughput lost.
 */
const LEAST_SMOOTH_PERMIT = 100;
/**
 * How far a smooth pace may lag behind and catch up, in milliseconds. A young backfill may catch up on what it lost
 * while it listed ids page by page. Later, or beside live calls, a burst would only make live calls wait; beside
 * another application it would take that one's units.
 */
const CATCH_UP = 8_000;
const CATCH_UP_AGE = 5 * 60_000;

/** Reserves units for as many of the first requests as possible, or says when to try again. */
export function reserve(
  written: Ledger,
  reservation: Reservation,
  now: number,
): { readonly ledger: Ledger; readonly result: ReservationResult } {
  const ledger = believed(written, now);
  if (now < ledger.pausedUntil) return { ledger, result: { kind: 'wait', until: ledger.pausedUntil, told: true } };
  const { lane, prices } = reservation;
  const limits = limitsFor(ledger, reservation, now);
  const perMs = (currentRate(ledger, now) * reservation.granted) / LONGEST_SPAN;
  const worth = (milliseconds: number): number =>
    sum(prices.slice(0, Math.max(1, prefix(prices, perMs * milliseconds))));
  const paced = lane === 'backfill' && isSmooth(ledger, now);
  const least = worth(paced ? LEAST_SMOOTH_PERMIT : LEAST_PERMIT);
  const startsAt = Math.max(fitsAt(ledger.window, limits, least, now), paced ? Math.ceil(ledger.pacedUntil) : now);
  if (startsAt > now) {
    const wanted = lane === 'live' ? { units: sum(prices), until: startsAt + 1_000 } : ledger.wanted;
    return { ledger: { ...ledger, wanted }, result: { kind: 'wait', until: startsAt, told: false } };
  }
  const unproven = beyondProven(ledger, reservation, now);
  const free = Math.max(least, roomNow(ledger.window, limits, now));
  const room = paced ? Math.min(free, worth(LEAST_PERMIT)) : free;
  const count = Math.min(prefix(prices, room), unproven?.count ?? prices.length);
  const units = sum(prices.slice(0, count));
  const busySince = unitsWithin(ledger.window, LONGEST_SPAN, now) === 0 ? now : ledger.busySince;
  const paceMs = units / perMs;
  return {
    ledger: {
      ...withSpent(ledger, paceMs),
      window: spend(ledger.window, { units, live: lane === 'live' ? units : 0 }, now),
      busySince,
      // Live calls ignore the pace; backfill calls make up for them.
      pacedUntil: Math.max(ledger.pacedUntil, now - paceSlack({ ...ledger, busySince }, now)) + paceMs,
      wanted: lane === 'live' ? FRESH.wanted : ledger.wanted,
    },
    result: {
      kind: 'granted',
      count,
      units,
      at: now,
      paceMs,
      probe: unproven?.probe ?? false,
      isAwaited: ledger.refusals > 0 && ledger.acceptedAt <= ledger.refusedAt,
    },
  };
}

function paceSlack(ledger: Ledger, now: number): number {
  return currentRate(ledger, now) === 1 &&
    now - ledger.busySince < CATCH_UP_AGE &&
    liveUnits(ledger.window, now) < LIVE_TRAFFIC
    ? CATCH_UP
    : PACE_SLACK;
}

function limitsFor(ledger: Ledger, { lane, granted }: Reservation, now: number): readonly WindowLimit[] {
  const allowed = granted * currentRate(ledger, now);
  const wanted = lane === 'backfill' && now < ledger.wanted.until ? ledger.wanted.units : 0;
  // At a smooth pace units become free all the time, so a live call gets its units soon without a reserve. A lowered
  // rate limits ten seconds alone: the minute before would stop both lanes.
  if (isSmooth(ledger, now)) {
    return [
      { span: LONGEST_SPAN, units: granted - wanted },
      { span: TEN_SECONDS, units: allowed / 6 - wanted, margin: marginOf(TEN_SECONDS) + ledger.lateness },
    ];
  }
  const reserved = lane === 'backfill' ? Math.max(wanted, reserveForLive(ledger, allowed, now)) : 0;
  return [{ span: LONGEST_SPAN, units: allowed - reserved }];
}

/**
 * The units that a backfill leaves free for live calls. After an idle minute it may take nearly everything at once. The
 * reserve shrinks over the minute, since units that stay reserved are throughput lost. With live traffic, as much is
 * reserved as that traffic used.
 */
function reserveForLive(ledger: Ledger, allowed: number, now: number): number {
  const busy = ledger.window.length === 0 ? 0 : Math.min(1, Math.max(0, now - ledger.busySince) / LONGEST_SPAN);
  const share = BURST_RESERVE + (LEAST_RESERVE - BURST_RESERVE) * busy;
  const live = liveUnits(ledger.window, now);
  const traffic = live >= LIVE_TRAFFIC ? Math.max(BURST_RESERVE * allowed, live) : 0;
  return Math.min(LARGEST_RESERVE * allowed, Math.max(share * allowed, traffic));
}

/**
 * Until bursts are proven, spending beyond a sixth of the limit within ten seconds is a probe: small, and without other
 * calls beside it.
 */
function beyondProven(
  ledger: Ledger,
  { prices, userLimit }: Reservation,
  now: number,
): { readonly count: number; readonly probe: boolean } | null {
  if (ledger.burstsAllowed || isSmooth(ledger, now)) return null;
  const room = userLimit / 6 - unitsWithin(ledger.window, TEN_SECONDS, now);
  const within = prefix(prices, room);
  if (within > 0) return { count: within, probe: false };
  // Only units well within ten seconds prove anything: those about to leave our window may already have left Gmail's.
  return {
    count: PROBE_CALLS,
    probe: sum(prices.slice(0, PROBE_CALLS)) + unitsWithin(ledger.window, 9_500, now) > userLimit / 6,
  };
}

/** Returns the units of calls that were refused, and their part of the pace. */
export function refund(
  ledger: Ledger,
  spending: { readonly units: number; readonly lane: Lane; readonly at: number; readonly paceMs: number },
): Ledger {
  const { units, lane, at, paceMs } = spending;
  return {
    ...withSpent(ledger, -paceMs),
    window: giveBack(ledger.window, { units, live: lane === 'live' ? units : 0 }, at),
    pacedUntil: ledger.pacedUntil - paceMs,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** How many of the first prices fit into `room`. */
function prefix(prices: readonly number[], room: number): number {
  let left = room;
  const end = prices.findIndex((price) => {
    left -= price;
    return left < 0;
  });
  return end === -1 ? prices.length : end;
}
