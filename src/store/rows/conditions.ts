import type { Condition, Conditions } from './mailbox-row.ts';

/**
 * How the column `condition` is written: the worse condition, as versions before this one read and write it alone, and beside it each lane's.
 * Workers of such a version may share the mailbox: what they write has no lanes.
 */
type WrittenCondition = Condition & { readonly lanes?: Partial<Conditions> };

const NO_CONDITIONS: Conditions = { live: null, backfill: null };

/** What a row's column says. A condition whose lane was not written counts as the live one's, which is the first to succeed. */
export function readConditions(text: string | null): Conditions {
  if (text === null) return NO_CONDITIONS;
  const { lanes, ...condition } = JSON.parse(text) as WrittenCondition;
  return lanes === undefined ? { live: condition, backfill: null } : { ...NO_CONDITIONS, ...lanes };
}

/**
 * The column with one lane's condition changed, and the other's left as it is.
 * A condition whose lane was not written goes with the first news of either lane.
 */
export function withCondition(text: string | null, lane: keyof Conditions, condition: Condition | null): string | null {
  const held = isOfNoLane(text) ? NO_CONDITIONS : readConditions(text);
  const next = condition === null ? { live: untold(held.live), backfill: untold(held.backfill), [lane]: null } : { ...held, [lane]: condition };
  const worse = worseCondition(next);
  return worse === null ? null : JSON.stringify({ ...worse, lanes: next } satisfies WrittenCondition);
}

/** What is wrong with the mailbox, in one. */
export function worseCondition({ live, backfill }: Conditions): Condition | null {
  if (live === null || backfill === null) return live ?? backfill;
  return RANK[backfill.kind] > RANK[live.kind] ? backfill : live;
}

/** The more a person has to do, the worse. */
const RANK: Readonly<Record<Condition['kind'], number>> = { 'rate-limited': 0, failing: 1, failed: 2, 'needs-consent': 3 };

function isOfNoLane(text: string | null): boolean {
  return text !== null && (JSON.parse(text) as WrittenCondition).lanes === undefined;
}

/** The success of one lane ends the workflow's phase `rate-limited`, so the other one, which still waits, must tell of its wait again. */
function untold(condition: Condition | null): Condition | null {
  return condition?.kind === 'rate-limited' ? { ...condition, told: false } : condition;
}
