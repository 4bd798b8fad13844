/** What a listing's second witnesses disagree about, in numbers of messages. */
interface Disagreement {
  readonly uncounted: number;
  readonly absent: number;
  readonly relabelled: number;
  readonly underLabels?: number;
}

/** True when nothing is known to be missing: Gmail's counts merely did not confirm the listing. */
export const isUnconfirmed = ({ uncounted, absent, relabelled, underLabels = 0 }: Disagreement): boolean =>
  uncounted + absent + relabelled + underLabels === 0;
