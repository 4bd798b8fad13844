import { believed, LONGEST_PAUSE, TEN_SECONDS, type Ledger, type RefusedUnits } from './ledger-document.ts';
import { currentRate, isSmooth, lowerRate, unchangedRate } from './ledger-rate.ts';
import { LONGEST_SPAN, unitsWithin } from './ledger-window.ts';

/** Gmail accepted a probe, so it does not limit spans of ten seconds. */
export const allowBursts = (ledger: Ledger): Ledger => ({ ...ledger, burstsAllowed: true });

export interface QuotaRefusal {
  /** Which limit was hit: the user's limit changes the pace, the project's limit only asks for patience. */
  readonly limit: 'user' | 'project';
  /** Epoch ms, when Gmail named a time. */
  readonly retryAt: number | null;
  /** Units of the refused calls. */
  readonly units: number;
  /** Whether they are several, and at least half of an answer that accepted others. Chance refuses few among many. */
  readonly isMostOfAnswer: boolean;
  /** Epoch ms at which they were sent. */
  readonly sentAt: number;
  /** In [0, 1): spreads out callers that were refused together. */
  readonly jitter: number;
  /** Units a minute that Gmail grants the user, times the share that is ours. */
  readonly granted: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
  /** Ms by which some calls take longer than others. They may arrive that much later than they are sent. */
  readonly lateness: number;
}

/**
 * The pause after a refusal (ms). It doubles with each further one: of the user's limit before a call is accepted, of
 * the project's limit within a minute.
 */
const FIRST_BACKOFF = 500;
const LONGEST_BACKOFF = 16_000;
/** Ms after which a refusal is not one in a row with the last. */
const FORGET_REFUSALS = 60_000;

/** A call that was sent then was accepted, so refusals before it are over. */
export const withAccepted = (ledger: Ledger, sentAt: number): Ledger => ({
  ...ledger,
  acceptedAt: Math.max(ledger.acceptedAt, sentAt),
});

/**
 * Learns from a refusal. First the allowance is spread evenly, which costs no throughput. If that does not help, our
 * calls arrive later than they are sent, or another client spends the same quota. Our own spending shows which.
 */
export function learn(written: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const ledger = believed(written, now);
  const named = refusal.retryAt === null ? 0 : Math.min(refusal.retryAt, now + LONGEST_PAUSE);
  const paused = { ...ledger, pausedUntil: Math.max(ledger.pausedUntil, named) };
  return refusal.limit === 'project' ? learnOfProject(paused, refusal, now) : learnOfUser(paused, refusal, now);
}

/** No rate shares the project's limit. Further refusals lengthen the pause although calls are accepted. */
function learnOfProject(ledger: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const last = ledger.project;
  if (!isLater(refusal, last)) return ledger;
  const refusals = isInRow(last, now) ? last.refusals + 1 : 1;
  return { ...backedOff(ledger, refusals, refusal, now), project: { refusals, refusedAt: now } };
}

function learnOfUser(ledger: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const isStreak = isLater(refusal, ledger) && isInRow(ledger, now) && !hasAccepted(ledger, refusal.sentAt);
  const learned = afterUserRefusal(ledger, refusal, now, isStreak);
  if (!isLater(refusal, ledger)) return learned;
  const refusals = isStreak ? ledger.refusals + 1 : 1;
  const refusedSince = isStreak ? ledger.refusedSince : now;
  return { ...backedOff(learned, refusals, refusal, now), refusals, refusedAt: now, refusedSince };
}

/** Calls that were under way before the last refusal was known ask for no further back-off. */
const isLater = ({ sentAt }: QuotaRefusal, { refusedAt }: Pick<Ledger, 'refusedAt'>): boolean => sentAt > refusedAt;

const isInRow = ({ refusedAt }: Pick<Ledger, 'refusedAt'>, now: number): boolean => now - refusedAt <= FORGET_REFUSALS;

function backedOff(ledger: Ledger, refusals: number, { jitter }: QuotaRefusal, now: number): Ledger {
  const backoff = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (refusals - 1));
  return { ...ledger, pausedUntil: Math.max(ledger.pausedUntil, now + backoff * (0.5 + jitter / 2)) };
}

/** Ms after which a call that was not refused was accepted. */
const ANSWERED_WITHIN = 5_000;

/**
 * Whether a call was accepted since the last refusal, before one was sent that is refused now. The units of refused
 * calls were returned before, so spending that is some seconds old was accepted.
 */
const hasAccepted = ({ window, refusedAt, acceptedAt }: Ledger, sentAt: number): boolean =>
  acceptedAt > refusedAt || window.some(({ from, to }) => from > refusedAt && to < sentAt - ANSWERED_WITHIN);

/** The most that calls are taken to be late (ms). Gmail itself takes longer for some calls, which is no lateness. */
const LATEST = 300;
/** Where Gmail counts ten seconds, it accepts some call within this time (ms). */
const USED_UP = 2_500;
/** From this fraction of a limit on, our own calls alone may have been too many. */
const NEARLY_ALL = 0.97;

/**
 * - The first refusal makes the pace smooth. If a sixth of the allowance within ten seconds was enough for it, Gmail
 *   counts ten seconds, where lateness matters.
 * - If nothing has been accepted for some seconds, a minute is used up: by us, or by us and another client.
 * - If our own calls of ten seconds are nearly all that is granted, they arrived too close together.
 * - Otherwise single calls are refused by chance, or another client spends the same quota.
 */
function afterUserRefusal(ledger: Ledger, refusal: QuotaRefusal, now: number, isStreak: boolean): Ledger {
  if (!isSmooth(ledger, now)) {
    const inMinute = unitsWithin(ledger.window, LONGEST_SPAN, now) / refusal.userLimit;
    const lateness = inMinute < NEARLY_ALL ? latenessShown(ledger, refusal, now) : 0;
    return { ...unchangedRate(ledger, now), burstsAllowed: false, smooth: true, lateness };
  }
  // These calls were sent at a rate that has changed since, so they say nothing of the new one.
  if (refusal.sentAt <= ledger.changedAt) return ledger;
  if (isStreak) return now - ledger.refusedSince > USED_UP ? afterUsedUpMinute(ledger, refusal, now) : ledger;
  return afterSingleRefusal(ledger, refusal, now);
}

function latenessShown({ window }: Ledger, { userLimit, lateness }: QuotaRefusal, now: number): number {
  const inTen = unitsWithin(window, TEN_SECONDS, now, 2 * LATEST) / (userLimit / 6);
  return inTen >= NEARLY_ALL ? Math.min(LATEST, lateness) : 0;
}

/**
 * Of a minute that another client shares, less is taken than it left, so that its calls are accepted as well. It may
 * have begun in the middle of that minute.
 */
const TAKEN_OF_MINUTE = 0.8;
/**
 * Only the end of a minute shows again what another client spends in it. So the rate stays for a whole minute, and is
 * tried in the next.
 */
const OVER_A_MINUTE = 70_000;

/** After so many ms of silence too little of the minute is remembered. */
const FORGOTTEN = 30_000;

/**
 * What we spent in the minute before it was used up is all that another client left us. That holds only if we wanted
 * more: a mailbox that hardly calls learns nothing.
 */
function afterUsedUpMinute(ledger: Ledger, { granted, userLimit }: QuotaRefusal, now: number): Ledger {
  const silence = now - ledger.refusedSince;
  if (silence > FORGOTTEN) return ledger;
  const rate = currentRate(ledger, now);
  const units = unitsWithin(ledger.window, LONGEST_SPAN, now);
  const left = units / granted;
  // Units leave the minute while we are silent. Ours alone used it up if they filled it until then.
  const isOurs = units >= (NEARLY_ALL * userLimit * (LONGEST_SPAN - silence)) / LONGEST_SPAN;
  if (isOurs || left < rate / 2) return ledger;
  return lowerRate(ledger, Math.min(LOWERED * rate, TAKEN_OF_MINUTE * left), now, OVER_A_MINUTE);
}

/** Gmail also refuses calls by chance. Up to this part of the units sent may be refused without a cause. */
const BY_CHANCE = 0.03;
/** Refusals at fewer moments within ten seconds prove nothing: at the whole rate, and at a lowered one. */
const FEWEST = 4;
const FEWEST_LOWERED = 2;
/** At a lowered rate, refusals are compared with what was accepted in this time (ms). */
const LOOKED_BACK = 5_000;
/** What is left of a refused rate, at most and at least. */
const LOWERED = 0.97;
const LOWEST = 0.8;
/** Of what another client leaves us in ten seconds, this much is taken, so that its calls are accepted as well. */
const TAKEN = 0.96;

/** Lowers the rate to what was accepted in the last ten seconds, if more was refused than happens by chance. */
function afterSingleRefusal(ledger: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const late = latenessShown(ledger, refusal, now);
  if (ledger.lateness < late) return { ...unchangedRate(ledger, now), lateness: late };
  const rate = currentRate(ledger, now);
  const refused = withRefusal(ledger.refused, { at: now, units: refusal.units });
  if (!refusal.isMostOfAnswer && !isBeyondChance({ ...ledger, refused }, now)) return { ...ledger, refused };
  const left = unitsWithin(ledger.window, TEN_SECONDS, now, 0) / (refusal.granted / 6);
  return lowerRate(ledger, Math.min(LOWERED * rate, Math.max(LOWEST * rate, TAKEN * left)), now);
}

function isBeyondChance(ledger: Ledger, now: number): boolean {
  const isWhole = currentRate(ledger, now) === 1;
  const time = isWhole ? TEN_SECONDS : LOOKED_BACK;
  const refused = ledger.refused.filter(({ at }) => at > now - time);
  if (refused.length < (isWhole ? FEWEST : FEWEST_LOWERED)) return false;
  const lost = refused.reduce((sum, { units }) => sum + units, 0);
  const accepted = unitsWithin(ledger.window, Math.min(time, now - ledger.changedAt), now, 0);
  return lost / (lost + accepted) >= BY_CHANCE;
}

/** Refusals of the same moment (ms) are one, since a single answer may hold several. */
const ONE_MOMENT = 100;

function withRefusal(refused: Ledger['refused'], { at, units }: RefusedUnits): Ledger['refused'] {
  const last = refused.at(-1);
  return last !== undefined && Math.abs(at - last.at) < ONE_MOMENT
    ? [...refused.slice(0, -1), { at: last.at, units: last.units + units }]
    : [...refused, { at, units }];
}
