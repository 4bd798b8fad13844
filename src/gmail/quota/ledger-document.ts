import type { LedgerWindow } from './ledger-window.ts';

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
  /** False while a whole minute's allowance may be spent at once; true after Gmail has refused that. */
  readonly smooth: boolean;
  /** Epoch ms up to which the smooth pace is used up. The next backfill call starts then. */
  readonly pacedUntil: number;
  /** The fraction of the allowance that Gmail turned out to leave us, as of {@link changedAt}. */
  readonly rate: number;
  readonly changedAt: number;
  readonly trial: RateTrial;
  /** Ms by which calls may arrive later than they are sent, as far as refusals have shown. */
  readonly lateness: number;
  /** Refusals by the user's limit without an accepted call between them, for the back-off. */
  readonly refusals: number;
  readonly refusedAt: number;
  /** Epoch ms of the first of these refusals. */
  readonly refusedSince: number;
  /** Epoch ms at which the last call was sent that was accepted after a refusal. */
  readonly acceptedAt: number;
  /** The refusals by the user's limit since {@link changedAt}, at most those of the last ten seconds. Oldest first. */
  readonly refused: readonly RefusedUnits[];
  /** Refusals by the project's limit, for the back-off. */
  readonly project: { readonly refusals: number; readonly refusedAt: number };
  /**
   * True once Gmail accepted more than a sixth of the allowance within ten seconds, which proves that it counts whole
   * minutes.
   */
  readonly burstsAllowed: boolean;
  /** Units that a live call waits for. Backfill calls leave them free until this time. */
  readonly wanted: { readonly units: number; readonly until: number };
}

/** How a lowered rate has fared. */
export interface RateTrial {
  /** The {@link Ledger.changedAt} that it belongs to. An older build changes the rate and knows no trial. */
  readonly since: number;
  /** The rate that was refused before. */
  readonly refusedRate: number;
  /** Epoch ms since when the rate has not been whole. */
  readonly loweredSince: number;
  /** What was spent after {@link since}, as the ms in which the rate of that time grants so much. */
  readonly spentMs: number;
  /** Of {@link spentMs}, what has to be spent before the rate grows. */
  readonly holdMs: number;
}

export interface RefusedUnits {
  /** Epoch ms of the answer. */
  readonly at: number;
  readonly units: number;
}

export const FRESH: Ledger = {
  window: [],
  busySince: 0,
  pausedUntil: 0,
  smooth: false,
  pacedUntil: 0,
  rate: 1,
  changedAt: 0,
  trial: { since: 0, refusedRate: 1, loweredSince: 0, spentMs: 0, holdMs: 0 },
  lateness: 0,
  refusals: 0,
  refusedAt: 0,
  refusedSince: 0,
  acceptedAt: 0,
  refused: [],
  project: { refusals: 0, refusedAt: 0 },
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
      ...FRESH,
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

export const TEN_SECONDS = 10_000;
/** Ms by which a smooth pace may lag behind and then catch up, in an older backfill or beside live calls. */
export const PACE_SLACK = 1_000;
/** Ms that a pace can be ahead at most, at the slowest rate. */
const LONGEST_PACE = 10 * 60_000;
/**
 * The longest pause that Gmail may name (ms). https://github.com/taers232c/GAMADV-XTD3/issues/337 shows a quarter of an
 * hour.
 */
export const LONGEST_PAUSE = 24 * 3_600_000;
/** Clocks of workers differ by less (ms), unless one is wrong. */
const WRONG_BY = 60_000;

/**
 * Corrects times that are further ahead than their rules allow, which a wrong clock has written. Units spent in the
 * future count as spent now. A refusal in the future shows how far that clock is ahead: the pause ends too late by as
 * much. A difference of seconds is none, since Gmail may have named the time at which the pause ends.
 */
export function believed(ledger: Ledger, now: number): Ledger {
  const past = (at: number): number => Math.min(at, now);
  const ahead = (at: number, longest: number): number => (at > now + longest ? now : at);
  const refusedAt = Math.max(ledger.refusedAt, ledger.project.refusedAt);
  const aheadBy = refusedAt > now + WRONG_BY ? refusedAt - now : 0;
  const changedAt = past(ledger.changedAt);
  return {
    ...ledger,
    window: ledger.window.map((stretch) =>
      stretch.to > now + PACE_SLACK ? { ...stretch, from: past(stretch.from), to: now } : stretch,
    ),
    busySince: past(ledger.busySince),
    pausedUntil: ahead(ledger.pausedUntil - aheadBy, LONGEST_PAUSE),
    pacedUntil: ahead(ledger.pacedUntil, LONGEST_PACE),
    changedAt,
    trial:
      ledger.trial.since === ledger.changedAt
        ? { ...ledger.trial, since: changedAt, loweredSince: past(ledger.trial.loweredSince) }
        : ledger.trial,
    refusedAt: past(ledger.refusedAt),
    refusedSince: past(ledger.refusedSince),
    acceptedAt: past(ledger.acceptedAt),
    project: { ...ledger.project, refusedAt: past(ledger.project.refusedAt) },
    refused: ledger.refused.filter(({ at }) => Math.abs(now - at) < TEN_SECONDS),
    wanted: { ...ledger.wanted, until: ahead(ledger.wanted.until, LONGEST_PACE) },
  };
}
