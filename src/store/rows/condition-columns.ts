import type { Condition, Conditions } from './mailbox-row.ts';

/**
 * The format of the column `condition`: the worse condition, which is all that earlier versions read and write, plus
 * each lane's condition. Workers of such a version may share the mailbox; what they write has no `lanes`.
 */
type WrittenCondition = Condition & { readonly lanes?: Partial<Conditions> };

export const NO_CONDITIONS: Conditions = { live: null, backfill: null };

/** Reads the column. A condition without lanes counts as the live lane's, which is the first to succeed. */
export function readConditions(text: string | null): Conditions {
  if (text === null) return NO_CONDITIONS;
  const { lanes, ...condition } = JSON.parse(text) as WrittenCondition;
  return lanes === undefined ? { live: condition, backfill: null } : { ...NO_CONDITIONS, ...lanes };
}

/**
 * The column after a change of one lane's condition; the other lane's stays. A condition without lanes is replaced by
 * the first change of either lane.
 */
export function withCondition(text: string | null, lane: keyof Conditions, condition: Condition | null): string | null {
  const held = isOfNoLane(text) ? NO_CONDITIONS : readConditions(text);
  const next =
    condition === null
      ? { live: untold(held.live), backfill: untold(held.backfill), [lane]: null }
      : { ...held, [lane]: condition };
  const worse = worseCondition(next);
  return worse === null ? null : JSON.stringify({ ...worse, lanes: next } satisfies WrittenCondition);
}

/** The worse of the two lanes' conditions. Of two that are equally bad, the one that has lasted longer. */
export function worseCondition({ live, backfill }: Conditions): Condition | null {
  if (live === null || backfill === null) return live ?? backfill;
  if (RANK[backfill.kind] === RANK[live.kind]) return backfill.since < live.since ? backfill : live;
  return RANK[backfill.kind] > RANK[live.kind] ? backfill : live;
}

/** The more a person has to do, the worse. */
const RANK: Readonly<Record<Condition['kind'], number>> = {
  'rate-limited': 0,
  failing: 1,
  failed: 2,
  'needs-consent': 3,
};

function isOfNoLane(text: string | null): boolean {
  return text !== null && (JSON.parse(text) as WrittenCondition).lanes === undefined;
}

/**
 * Success of one lane ends the workflow's phase `rate-limited`, so the other lane, which still waits, must report its
 * wait again.
 */
function untold(condition: Condition | null): Condition | null {
  return condition?.kind === 'rate-limited' ? { ...condition, told: false } : condition;
}
