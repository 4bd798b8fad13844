/**
 * The units spent recently, as short stretches of time, oldest first. All functions on it are pure.
 */
export type LedgerWindow = readonly SpentStretch[];

export interface SpentStretch {
  /** Epoch ms of the first call in it. */
  readonly from: number;
  /** Epoch ms of the last call in it. The whole stretch counts until this call has left the window. */
  readonly to: number;
  readonly units: number;
  /** How many of the units the live lane spent. */
  readonly live: number;
}

/** At most `units` may be spent during any `span` milliseconds. */
export interface WindowLimit {
  readonly span: number;
  readonly units: number;
  /** Ms by which the span is longer here than at Gmail; {@link marginOf} the span when not given. */
  readonly margin?: number;
}

/** Ms for which a unit is remembered at most. */
export const LONGEST_SPAN = 60_000;

/**
 * Gmail counts a call when it arrives, some time after it was sent. A slow call and a quick one after it arrive closer
 * together than they were sent, so each window is longer here than at Gmail by this margin.
 */
const MARGINS: readonly { readonly span: number; readonly margin: number }[] = [
  { span: 60_000, margin: 300 },
  { span: 10_000, margin: 50 },
];

const RECENT = 10_500;
const RECENT_STRETCH = 40;
const OLD_STRETCH = 100;

export const marginOf = (span: number): number => MARGINS.find((entry) => entry.span === span)?.margin ?? 0;

/** Units spent within the `span` milliseconds before `now`, plus the margin. */
export function unitsWithin(window: LedgerWindow, span: number, now: number, margin = marginOf(span)): number {
  const since = now - span - margin;
  return window.reduce((sum, stretch) => (stretch.to > since ? sum + stretch.units : sum), 0);
}

/** Units that the live lane spent within the longest span. */
export function liveUnits(window: LedgerWindow, now: number): number {
  return window.reduce((sum, stretch) => (stretch.to > now - LONGEST_SPAN ? sum + stretch.live : sum), 0);
}

/** How many units fit all limits now. Negative when a limit has just become smaller. */
export function roomNow(window: LedgerWindow, limits: readonly WindowLimit[], now: number): number {
  return Math.min(...limits.map((limit) => limit.units - unitsWithin(window, limit.span, now, limit.margin)));
}

/**
 * When `units` will fit all limits if nothing else is spent; `now` when they already do. A request that costs more than
 * a whole limit fits once the window is empty, since it could never be sent otherwise.
 */
export function fitsAt(window: LedgerWindow, limits: readonly WindowLimit[], units: number, now: number): number {
  return Math.max(...limits.map((limit) => fitsOneAt(window, limit, units, now)));
}

function fitsOneAt(window: LedgerWindow, limit: WindowLimit, units: number, now: number): number {
  const { margin = marginOf(limit.span) } = limit;
  const after = limit.span + margin;
  const allowed = Math.max(0, limit.units - units);
  let used = unitsWithin(window, limit.span, now, margin);
  let at = now;
  for (const stretch of window) {
    if (used <= allowed) break;
    if (stretch.to <= now - after) continue;
    used -= stretch.units;
    at = stretch.to + after;
  }
  return at;
}

/** Records spending at `now`, and forgets units that have left every window. */
export function spend(
  window: LedgerWindow,
  spending: { readonly units: number; readonly live: number },
  now: number,
): LedgerWindow {
  const stretches = compact(window, now);
  const last = stretches.at(-1);
  if (last !== undefined && now >= last.from && now - last.from <= RECENT_STRETCH) {
    stretches[stretches.length - 1] = {
      ...last,
      to: Math.max(last.to, now),
      units: last.units + spending.units,
      live: last.live + spending.live,
    };
  } else {
    stretches.push({ from: now, to: now, ...spending });
  }
  return stretches;
}

/** Returns units that were recorded at `at` but not used: a refused call costs nothing. */
export function giveBack(
  window: LedgerWindow,
  spending: { readonly units: number; readonly live: number },
  at: number,
): LedgerWindow {
  let { units, live } = spending;
  return window.flatMap((stretch) => {
    if (stretch.to < at || units === 0) return [stretch];
    const left = { units: Math.max(0, stretch.units - units), live: Math.max(0, stretch.live - live) };
    units -= stretch.units - left.units;
    live -= stretch.live - left.live;
    return left.units === 0 ? [] : [{ ...stretch, ...left }];
  });
}

/**
 * Joins old stretches so that the ledger stays small. A joined stretch counts until its last call leaves the window.
 */
function compact(window: LedgerWindow, now: number): SpentStretch[] {
  const kept: SpentStretch[] = [];
  for (const stretch of window) {
    if (stretch.to <= now - LONGEST_SPAN - marginOf(LONGEST_SPAN)) continue;
    // A stretch in the future was written by a fast clock and must not block the mailbox.
    if (stretch.from > now + LONGEST_SPAN) continue;
    const last = kept.at(-1);
    if (last !== undefined && stretch.to < now - RECENT && stretch.to - last.from <= OLD_STRETCH) {
      kept[kept.length - 1] = {
        from: last.from,
        to: stretch.to,
        units: last.units + stretch.units,
        live: last.live + stretch.live,
      };
    } else {
      kept.push(stretch);
    }
  }
  return kept;
}
