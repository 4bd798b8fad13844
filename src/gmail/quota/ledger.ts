import { fitsAt, giveBack, liveUnits, LONGEST_SPAN, roomNow, spend, unitsWithin, type LedgerWindow, type WindowLimit } from './ledger-window.ts';
import type { Lane } from '../api/gmail-api.ts';

/**
 * The quota of one mailbox as the ledger document keeps it: what was spent, what Gmail turned out to allow, and until when nobody may call.
 * Every function is pure, so the store may run a change again when another process was first.
 */
export interface Ledger {
  readonly window: LedgerWindow;
  /** Epoch ms of the first spending after an idle minute. */
  readonly busySince: number;
  /** Nobody of the mailbox calls before this time; 0 when none was named. */
  readonly pausedUntil: number;
  /** False while whole minutes may be spent at once; true once Gmail refused that. */
  readonly smooth: boolean;
  /** Epoch ms up to which a smooth pace is used up: the next backfill call starts then. */
  readonly pacedUntil: number;
  /** What part of the grant Gmail turned out to leave us, at {@link changedAt}; it recovers slowly from then on. */
  readonly rate: number;
  readonly changedAt: number;
  /** Refusals in a row, for the back-off. */
  readonly refusals: number;
  readonly refusedAt: number;
  /** True once Gmail took more than a sixth of the grant within ten seconds: it does hold us to whole minutes. */
  readonly burstsAllowed: boolean;
  /** Units that a live call waits for: backfill calls leave them until this time. */
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

/** A document that cannot be read (an older or newer form) begins anew: at worst one minute is granted twice. */
export function readLedger(text: string | null): Ledger {
  if (text === null) return FRESH;
  try {
    const json: unknown = JSON.parse(text);
    if (!isLedgerDocument(json)) return FRESH;
    return { ...json.ledger, window: json.window.map(([from, to, units, live]) => ({ from: json.base + from, to: json.base + to, units, live })) };
  } catch {
    return FRESH;
  }
}

/** It is written with every reservation, so the stretches are written short: times after the first one's. */
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

/** Only this program writes the document: its version vouches for its form. */
function isLedgerDocument(json: unknown): json is LedgerDocument {
  return typeof json === 'object' && json !== null && 'version' in json && json.version === VERSION;
}

export interface Reservation {
  readonly lane: Lane;
  /** Units of each request, in order. As many of the first are granted as fit. */
  readonly prices: readonly number[];
  /** Units a minute that Gmail grants the user, times the share that is ours. */
  readonly granted: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
}

export type ReservationResult =
  /** `probe`: nobody knows yet whether Gmail takes so much so soon; no other call should start before it is answered. */
  | { readonly kind: 'granted'; readonly count: number; readonly units: number; readonly at: number; readonly probe: boolean }
  /** `told`: Gmail asked for the wait; otherwise it is our own pace. */
  | { readonly kind: 'wait'; readonly until: number; readonly told: boolean };

/** Calls in a probe: as many as may be refused for learning the limit. */
export const PROBE_CALLS = 8;
/** Part of the grant that a burst leaves to the live lane, and what a long backfill leaves. */
const BURST_RESERVE = 0.05;
export const LEAST_RESERVE = 0.01;
const LARGEST_RESERVE = 0.5;
/** Below this many units a minute the live lane only looks whether there is news, and needs no reserve of its own. */
const LIVE_TRAFFIC = 40;
/** A waiting call is let in for this many milliseconds' worth of units at least, so that a batch is not sent in crumbs. */
const LEAST_GRANT = 500;
/** At a smooth pace it takes what there is, down to this much: whatever a window has free while a call waits for more is speed lost. */
const LEAST_SMOOTH_GRANT = 100;
/**
 * How far a smooth pace may lag behind and catch up, in milliseconds. What a young backfill loses while it lists ids, one page after the other, it may
 * catch up within its ten seconds; later, or where live calls come, a burst would only let them wait.
 */
const CATCH_UP = 8_000;
const CATCH_UP_AGE = 5 * 60_000;
/** The same otherwise. */
const PACE_SLACK = 1_000;
const TEN_SECONDS = 10_000;
/** No pace is further ahead, at the slowest rate. */
const LONGEST_PACE = 10 * 60_000;

/** Reserves units for the first of the requests, or says when to try again. */
export function reserve(written: Ledger, reservation: Reservation, now: number): { readonly ledger: Ledger; readonly result: ReservationResult } {
  const ledger = believed(written, now);
  if (now < ledger.pausedUntil) return { ledger, result: { kind: 'wait', until: ledger.pausedUntil, told: true } };
  const { lane, prices } = reservation;
  const limits = limitsFor(ledger, reservation, now);
  const perMs = (currentRate(ledger, now) * reservation.granted) / LONGEST_SPAN;
  const worth = (milliseconds: number): number => sum(prices.slice(0, Math.max(1, prefix(prices, perMs * milliseconds))));
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
      // Live calls do not keep to the pace, and backfill calls make up for them.
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
  // At a smooth pace units come free all the time, so what a live call waits for is there soon enough without a reserve.
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
 * What a backfill leaves free for live calls. After an idle minute it may take nearly all at once; the rest is let go over the minute,
 * for the minutes after repeat this one, and what is held for ever is speed lost. Live traffic keeps as much again as it used.
 */
function reserveForLive(ledger: Ledger, allowed: number, now: number): number {
  const busy = ledger.window.length === 0 ? 0 : Math.min(1, Math.max(0, now - ledger.busySince) / LONGEST_SPAN);
  const share = BURST_RESERVE + (LEAST_RESERVE - BURST_RESERVE) * busy;
  const live = liveUnits(ledger.window, now);
  const traffic = live >= LIVE_TRAFFIC ? Math.max(BURST_RESERVE * allowed, live) : 0;
  return Math.min(LARGEST_RESERVE * allowed, Math.max(share * allowed, traffic));
}

/** Until bursts are proven, a spending that goes beyond a sixth of the limit within ten seconds is a probe: small, and alone. */
function beyondProven(ledger: Ledger, { prices, userLimit }: Reservation, now: number): { readonly count: number; readonly probe: boolean } | null {
  if (ledger.burstsAllowed || isSmooth(ledger, now)) return null;
  const room = userLimit / 6 - unitsWithin(ledger.window, TEN_SECONDS, now);
  const within = prefix(prices, room);
  if (within > 0) return { count: within, probe: false };
  // Only what lies well within ten seconds proves anything: what is about to leave the window may have left Gmail's.
  return { count: PROBE_CALLS, probe: sum(prices.slice(0, PROBE_CALLS)) + unitsWithin(ledger.window, 9_500, now) > userLimit / 6 };
}

/** Gmail took a probe: it does not look at ten seconds. */
export const allowBursts = (ledger: Ledger): Ledger => ({ ...ledger, burstsAllowed: true });

/** Gives back the units of calls that were refused or never sent. */
export function refund(ledger: Ledger, spending: { readonly units: number; readonly lane: Lane; readonly at: number }): Ledger {
  const { units, lane, at } = spending;
  return { ...ledger, window: giveBack(ledger.window, { units, live: lane === 'live' ? units : 0 }, at) };
}

export interface Refusal {
  /** Which limit was met: the user's teaches the pace, the project's only asks for patience. */
  readonly limit: 'user' | 'project';
  /** Epoch ms, when Gmail named a time. */
  readonly retryAt: number | null;
  /** In [0, 1): spreads the callers that were refused together. */
  readonly jitter: number;
}

/** Refusals so close together are one event: batches that were under way when the first was refused. */
const ONE_EVENT = 3_000;
const LONGEST_BACKOFF = 16_000;
const FORGET_REFUSALS = 60_000;
/** No longer than this, whatever Gmail names: https://github.com/taers232c/GAMADV-XTD3/issues/337 shows a quarter of an hour. */
const LONGEST_PAUSE = 24 * 3_600_000;

/**
 * Learns from a refusal. First the grant is spread more finely, which costs no speed; when that does not help, somebody else is spending
 * the same quota, and the rate goes down by a fifth.
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

/** A ledger as it can be at `now`: what lies further ahead than its rule allows was written by a clock that was wrong. What was spent then counts as spent now. */
function believed(ledger: Ledger, now: number): Ledger {
  const past = (at: number): number => Math.min(at, now);
  const ahead = (at: number, longest: number): number => (at > now + longest ? now : at);
  return {
    ...ledger,
    window: ledger.window.map((stretch) => (stretch.to > now + PACE_SLACK ? { ...stretch, from: past(stretch.from), to: now } : stretch)),
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
  return { ...ledger, burstsAllowed: false, changedAt: now, smooth: true, rate: isSmooth(ledger, now) ? Math.max(SLOWEST, rate * 0.8) : rate };
}

/** Time in which the whole rate comes back. */
const RECOVERY = 10 * 60_000;
/** Time without a refusal after which bursts are tried again. */
const FORGET_SMOOTHNESS = 60 * 60_000;

export const currentRate = (ledger: Ledger, now: number): number => Math.min(1, ledger.rate + Math.max(0, now - ledger.changedAt) / RECOVERY);

export const isSmooth = (ledger: Ledger, now: number): boolean => ledger.smooth && now - ledger.changedAt <= FORGET_SMOOTHNESS;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** How many of the first prices `room` pays for. */
function prefix(prices: readonly number[], room: number): number {
  let left = room;
  const end = prices.findIndex((price) => {
    left -= price;
    return left < 0;
  });
  return end === -1 ? prices.length : end;
}
