import {
  fitsAt,
  giveBack,
  liveUnits,
  LONGEST_SPAN,
  roomNow,
  spend,
  unitsWithin,
  type LedgerWindow,
  type WindowLimit,
} from './ledger-window.ts';
import type { Lane } from '../../model/lane.ts';

/**
 * The quota of one mailbox: the units spent, what Gmail turned out to allow, and until when no call may be made. All
 * functions are pure, so the store may run a change again when another process was first.
 */
export interface Ledger {
  readonly window: LedgerWindow;
  /** Epoch ms of the first spending after an idle minute. */
  readonly busySince: number;
  /** Epoch ms before which no call for the mailbox is made; 0 without a pause. */
  readonly pausedUntil: number;
  /** False while a whole minute's grant may be spent at once; true after Gmail has refused that. */
  readonly smooth: boolean;
  /** Epoch ms up to which the smooth pace is used up. The next backfill call starts then. */
  readonly pacedUntil: number;
  /**
   * The fraction of the grant that Gmail turned out to leave us, as of {@link changedAt}. It recovers slowly from then
   * on.
   */
  readonly rate: number;
  readonly changedAt: number;
  /** Consecutive refusals, for the back-off. */
  readonly refusals: number;
  readonly refusedAt: number;
  /**
   * True once Gmail accepted more than a sixth of the grant within ten seconds, which proves that it counts whole
   * minutes.
   */
  readonly burstsAllowed: boolean;
  /** Units that a live call waits for. Backfill calls leave them free until this time. */
  readonly wanted: { readonly units: number; readonly until: number };
}

const FRESH: Ledger = {
  window: [],
  busySince: 0,
  pausedUntil: 0,
  smooth: false,
  pacedUntil: 0,
  rate: 1,
  changedAt: 0,
  refusals: 0,
  refusedAt: 0,
  burstsAllowed: false,
  wanted: { units: 0, until: 0 },
};

/**
 * Reads a ledger document. An unreadable one (of an older or newer form) is replaced by a fresh ledger: at worst one
 * minute is granted twice.
 */
export function readLedger(text: string | null): Ledger {
  if (text === null) return FRESH;
  try {
    const json: unknown = JSON.parse(text);
    if (!isLedgerDocument(json)) return FRESH;
    return {
      ...json.ledger,
      window: json.window.map(([from, to, units, live]) => ({
        from: json.base + from,
        to: json.base + to,
        units,
        live,
      })),
    };
  } catch {
    return FRESH;
  }
}

/**
 * Writes a ledger document. This happens with every reservation, so the stretches are kept short: times relative to the
 * first.
 */
export function writeLedger({ window, ...ledger }: Ledger): string {
  const base = window[0]?.from ?? 0;
  const document: LedgerDocument = {
    version: VERSION,
    base,
    window: window.map(({ from, to, units, live }) => [from - base, to - base, units, live]),
    ledger,
  };
  return JSON.stringify(document);
}

const VERSION = 1;

interface LedgerDocument {
  readonly version: typeof VERSION;
  readonly base: number;
  readonly window: readonly (readonly [from: number, to: number, units: number, live: number])[];
  readonly ledger: Omit<Ledger, 'window'>;
}

/** Only this program writes the document, so the version is proof of its form. */
function isLedgerDocument(json: unknown): json is LedgerDocument {
  return typeof json === 'object' && json !== null && 'version' in json && json.version === VERSION;
}

export interface Reservation {
  readonly lane: Lane;
  /** Units of each request, in order. As many as fit are granted, from the first. */
  readonly prices: readonly number[];
  /** Units a minute that Gmail grants the user, times the share that is ours. */
  readonly granted: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
}

export type ReservationResult =
  /**
   * `probe`: it is not known yet whether Gmail accepts so much so soon. No other call should start before it is
   * answered.
   */
  | {
      readonly kind: 'granted';
      readonly count: number;
      readonly units: number;
      readonly at: number;
      readonly probe: boolean;
    }
  /** `told`: Gmail asked for the wait; otherwise our own pace does. */
  | { readonly kind: 'wait'; readonly until: number; readonly told: boolean };

/** Calls in a probe: this many may be refused to learn the limit. */
export const PROBE_CALLS = 8;
/** The part of the grant that a burst leaves to the live lane; {@link LEAST_RESERVE} is what a long backfill leaves. */
const BURST_RESERVE = 0.05;
export const LEAST_RESERVE = 0.01;
const LARGEST_RESERVE = 0.5;
/** Below this many units a minute the live lane only looks for news and needs no reserve of its own. */
const LIVE_TRAFFIC = 40;
/** A waiting call gets at least this many milliseconds' worth of units, so that a batch is not sent in tiny pieces. */
const LEAST_GRANT = 500;
/**
 * The same at a smooth pace, where smaller pieces are taken: units that stay free while a call waits for more are
 * throughput lost.
 */
const LEAST_SMOOTH_GRANT = 100;
/**
 * How far a smooth pace may lag behind and catch up, in milliseconds. A young backfill may catch up on what it lost
 * while it listed ids page by page. Later, or with live calls, a burst would only make those wait.
 */
const CATCH_UP = 8_000;
const CATCH_UP_AGE = 5 * 60_000;
/** The same for an older backfill, or beside live calls. */
const PACE_SLACK = 1_000;
const TEN_SECONDS = 10_000;
/** Ms that a pace can be ahead at most, at the slowest rate. */
const LONGEST_PACE = 10 * 60_000;

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
  const least = worth(paced ? LEAST_SMOOTH_GRANT : LEAST_GRANT);
  const startsAt = Math.max(fitsAt(ledger.window, limits, least, now), paced ? Math.ceil(ledger.pacedUntil) : now);
  if (startsAt > now) {
    const wanted = lane === 'live' ? { units: sum(prices), until: startsAt + 1_000 } : ledger.wanted;
    return { ledger: { ...ledger, wanted }, result: { kind: 'wait', until: startsAt, told: false } };
  }
  const unproven = beyondProven(ledger, reservation, now);
  const free = Math.max(least, roomNow(ledger.window, limits, now));
  const room = paced ? Math.min(free, worth(LEAST_GRANT)) : free;
  const count = Math.min(prefix(prices, room), unproven?.count ?? prices.length);
  const units = sum(prices.slice(0, count));
  const busySince = unitsWithin(ledger.window, LONGEST_SPAN, now) === 0 ? now : ledger.busySince;
  return {
    ledger: {
      ...ledger,
      window: spend(ledger.window, { units, live: lane === 'live' ? units : 0 }, now),
      busySince,
      // Live calls ignore the pace; backfill calls make up for them.
      pacedUntil: Math.max(ledger.pacedUntil, now - paceSlack({ ...ledger, busySince }, now)) + units / perMs,
      wanted: lane === 'live' ? FRESH.wanted : ledger.wanted,
    },
    result: { kind: 'granted', count, units, at: now, probe: unproven?.probe ?? false },
  };
}

function paceSlack(ledger: Ledger, now: number): number {
  return now - ledger.busySince < CATCH_UP_AGE && liveUnits(ledger.window, now) < LIVE_TRAFFIC ? CATCH_UP : PACE_SLACK;
}

function limitsFor(ledger: Ledger, { lane, granted }: Reservation, now: number): readonly WindowLimit[] {
  const allowed = granted * currentRate(ledger, now);
  const wanted = lane === 'backfill' && now < ledger.wanted.until ? ledger.wanted.units : 0;
  // At a smooth pace units become free all the time, so a live call gets its units soon without a reserve.
  if (isSmooth(ledger, now)) {
    return [
      { span: LONGEST_SPAN, units: allowed - wanted },
      { span: TEN_SECONDS, units: allowed / 6 - wanted },
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

/** Gmail accepted a probe, so it does not count ten seconds. */
export const allowBursts = (ledger: Ledger): Ledger => ({ ...ledger, burstsAllowed: true });

/** Returns the units of calls that were refused or never sent. */
export function refund(
  ledger: Ledger,
  spending: { readonly units: number; readonly lane: Lane; readonly at: number },
): Ledger {
  const { units, lane, at } = spending;
  return { ...ledger, window: giveBack(ledger.window, { units, live: lane === 'live' ? units : 0 }, at) };
}

export interface Refusal {
  /** Which limit was hit: the user's changes the pace, the project's only asks for patience. */
  readonly limit: 'user' | 'project';
  /** Epoch ms, when Gmail named a time. */
  readonly retryAt: number | null;
  /** In [0, 1): spreads out callers that were refused together. */
  readonly jitter: number;
}

/** Refusals within this time (ms) are one event: the batches were already under way when the first was refused. */
const ONE_EVENT = 3_000;
const LONGEST_BACKOFF = 16_000;
const FORGET_REFUSALS = 60_000;
/**
 * The longest pause that Gmail may name (ms). https://github.com/taers232c/GAMADV-XTD3/issues/337 shows a quarter of an
 * hour.
 */
const LONGEST_PAUSE = 24 * 3_600_000;

/**
 * Learns from a refusal. First the grant is spread evenly, which costs no throughput. If that does not help, another
 * client is spending the same quota, and the rate goes down by a fifth.
 */
export function learn(written: Ledger, refusal: Refusal, now: number): Ledger {
  const ledger = believed(written, now);
  const named = refusal.retryAt === null ? 0 : Math.min(refusal.retryAt, now + LONGEST_PAUSE);
  if (now - ledger.refusedAt < ONE_EVENT) return { ...ledger, pausedUntil: Math.max(ledger.pausedUntil, named) };
  const refusals = now - ledger.refusedAt > FORGET_REFUSALS ? 1 : ledger.refusals + 1;
  const backoff = Math.min(LONGEST_BACKOFF, 1_000 * 2 ** (refusals - 1)) * (0.5 + refusal.jitter / 2);
  const next = { ...ledger, refusals, refusedAt: now, pausedUntil: Math.max(ledger.pausedUntil, named, now + backoff) };
  return refusal.limit === 'project' ? next : stricter(next, now);
}

/**
 * Corrects times that are further ahead than their rules allow, which a wrong clock has written. Units spent in the
 * future count as spent now.
 */
function believed(ledger: Ledger, now: number): Ledger {
  const past = (at: number): number => Math.min(at, now);
  const ahead = (at: number, longest: number): number => (at > now + longest ? now : at);
  return {
    ...ledger,
    window: ledger.window.map((stretch) =>
      stretch.to > now + PACE_SLACK ? { ...stretch, from: past(stretch.from), to: now } : stretch,
    ),
    busySince: past(ledger.busySince),
    pausedUntil: ahead(ledger.pausedUntil, LONGEST_PAUSE),
    pacedUntil: ahead(ledger.pacedUntil, LONGEST_PACE),
    changedAt: past(ledger.changedAt),
    refusedAt: past(ledger.refusedAt),
    wanted: { ...ledger.wanted, until: ahead(ledger.wanted.until, LONGEST_PACE) },
  };
}

const SLOWEST = 0.02;

function stricter(ledger: Ledger, now: number): Ledger {
  const rate = currentRate(ledger, now);
  return {
    ...ledger,
    burstsAllowed: false,
    changedAt: now,
    smooth: true,
    rate: isSmooth(ledger, now) ? Math.max(SLOWEST, rate * 0.8) : rate,
  };
}

/** Ms in which the whole rate comes back. */
const RECOVERY = 10 * 60_000;
/** Ms without a refusal after which bursts are tried again. */
const FORGET_SMOOTHNESS = 60 * 60_000;

export const currentRate = (ledger: Ledger, now: number): number =>
  Math.min(1, ledger.rate + Math.max(0, now - ledger.changedAt) / RECOVERY);

export const isSmooth = (ledger: Ledger, now: number): boolean =>
  ledger.smooth && now - ledger.changedAt <= FORGET_SMOOTHNESS;

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
