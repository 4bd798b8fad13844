/** The work that a mailbox has left to fetch, in sums: the store counts it, the fetch plan prices it. */
export interface WorkLeft {
  /** How many threads (`threads`) have how many untried messages (`fresh`). */
  readonly threads: readonly { readonly fresh: number; readonly threads: number }[];
  /** Messages that failed before: each is fetched alone. */
  readonly tried: number;
  /** Messages that are held without their attachments. */
  readonly lacking: number;
  /** The fraction of fetched messages that have attachments. */
  readonly attachedShare: number;
}
