import { believed, LONGEST_PAUSE, TEN_SECONDS, type Ledger } from './ledger-document.ts';
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
  /** Epoch ms at which they were sent. */
  readonly sentAt: number;
  /** In [0, 1): spreads out callers that were refused together. */
  readonly jitter: number;
  /** Units a minute that Gmail grants the user. */
  readonly userLimit: number;
  /** Ms by which some calls take longer than others. They may arrive that much later than they are sent. */
  readonly lateness: number;
}

/** The pause after a refusal (ms). It doubles with each further one before a call is accepted. */
const FIRST_BACKOFF = 500;
const LONGEST_BACKOFF = 16_000;

/**
 * Learns from a refusal. First the allowance is spread evenly, which costs no throughput. If that does not help, our
 * calls arrive later than they are sent, or another client spends the same quota. Our own spending shows which.
 */
export function learn(written: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const ledger = believed(written, now);
  const named = refusal.retryAt === null ? 0 : Math.min(refusal.retryAt, now + LONGEST_PAUSE);
  const learned = refusal.limit === 'project' ? ledger : afterUserRefusal(ledger, refusal, now);
  // Calls that were under way before the last refusal was known ask for no further back-off.
  if (refusal.sentAt <= ledger.refusedAt) return { ...learned, pausedUntil: Math.max(ledger.pausedUntil, named) };
  const refusals = acceptedSince(ledger, ledger.refusedAt) ? 1 : ledger.refusals + 1;
  const backoff = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (refusals - 1));
  return {
    ...learned,
    refusals,
    refusedAt: now,
    pausedUntil: Math.max(ledger.pausedUntil, named, now + backoff * (0.5 + refusal.jitter / 2)),
  };
}

/** The units of refused calls were returned before, so the remaining spending was accepted, or has no answer yet. */
const acceptedSince = ({ window }: Ledger, time: number): boolean => window.some(({ from }) => from > time);

/** The most that calls are taken to be late (ms). Gmail itself takes longer for some calls, which is no lateness. */
const LATEST = 300;
/** From this fraction of a limit on, our own calls alone may have been too many. */
const NEARLY_ALL = 0.97;

/**
 * - The first refusal makes the pace smooth. If a sixth of the allowance within ten seconds was enough for it, Gmail
 *   counts ten seconds, where lateness matters.
 * - If nothing was accepted since the last refusal, a minute is used up: by us, or by us and another client.
 * - Then, if our own calls of ten seconds are nearly all that is granted, they arrived too close together.
 * - Otherwise single calls are refused by chance, or another client spends the same quota.
 */
function afterUserRefusal(ledger: Ledger, refusal: QuotaRefusal, now: number): Ledger {
  const { userLimit } = refusal;
  const inTen = unitsWithin(ledger.window, TEN_SECONDS, now, 2 * LATEST) / (userLimit / 6);
  const late = inTen >= NEARLY_ALL ? Math.min(LATEST, refusal.lateness) : 0;
  if (!isSmooth(ledger, now)) {
    const inMinute = unitsWithin(ledger.window, LONGEST_SPAN, now) / userLimit;
    const lateness = inMinute < NEARLY_ALL ? late : 0;
    return { ...unchangedRate(ledger, now), burstsAllowed: false, smooth: true, lateness };
  }
  // These calls were sent at a rate that has changed since, so they say nothing of the new one.
  if (refusal.sentAt <= ledger.changedAt) return ledger;
  if (!acceptedSince(ledger, ledger.refusedAt)) return afterUsedUpMinute(ledger, refusal, now);
  if (ledger.lateness < late) return { ...unchangedRate(ledger, now), lateness: late };
  return afterSingleRefusal(ledger, refusal, now);
}

/**
 * Of what another client leaves us, this much is taken, so that its calls are accepted as well. Of a minute less is
 * taken, since the other client may have begun in the middle of it.
 */
const TAKEN = 0.96;
const TAKEN_OF_MINUTE = 0.9;
/**
 * Only the end of a minute shows again what another client spends in it. So the rate stays for most of a minute, and
 * grows in its last seconds, when little is left to be refused.
 */
const MOST_OF_A_MINUTE = 54_000;

/**
 * What we spent in the minute that is used up is all that another client left us. That holds only if we wanted more: a
 * mailbox that hardly calls learns nothing.
 */
function afterUsedUpMinute(ledger: Ledger, { userLimit }: QuotaRefusal, now: number): Ledger {
  const rate = currentRate(ledger, now);
  const inTen = unitsWithin(ledger.window, TEN_SECONDS, now, 2 * LATEST) / (userLimit / 6);
  const inMinute = unitsWithin(ledger.window, LONGEST_SPAN, now) / userLimit;
  const left = Math.max(inTen, inMinute);
  if (left >= NEARLY_ALL || left < rate / 2) return ledger;
  if (inTen >= inMinute) return lowerRate(ledger, Math.min(LOWERED * rate, TAKEN * inTen), now);
  return lowerRate(ledger, Math.min(LOWERED * rate, TAKEN_OF_MINUTE * inMinute), now, MOST_OF_A_MINUTE);
}

/** Gmail also refuses calls by chance. Up to this part of the units sent may be refused without a cause. */
const BY_CHANCE = 0.03;
/** Fewer refusals within ten seconds prove nothing: at the whole rate, and at a rate that was lowered before. */
const FEWEST = 3;
const FEWEST_LOWERED = 2;
/** What is left of a refused rate, at most and at least. */
const LOWERED = 0.97;
const LOWEST = 0.8;

/** Lowers the rate to what was accepted in the last ten seconds, if more was refused than happens by chance. */
function afterSingleRefusal(ledger: Ledger, { userLimit, units }: QuotaRefusal, now: number): Ledger {
  const rate = currentRate(ledger, now);
  const refused = [...ledger.refused, { at: now, units }];
  const lost = refused.reduce((sum, each) => sum + each.units, 0);
  const accepted = unitsWithin(ledger.window, Math.min(TEN_SECONDS, now - ledger.changedAt), now, 0);
  const isProof = refused.length >= (rate === 1 ? FEWEST : FEWEST_LOWERED) && lost / (lost + accepted) >= BY_CHANCE;
  if (!isProof) return { ...ledger, refused };
  const left = unitsWithin(ledger.window, TEN_SECONDS, now, 0) / (userLimit / 6);
  return lowerRate(ledger, Math.min(LOWERED * rate, Math.max(LOWEST * rate, TAKEN * left)), now);
}
