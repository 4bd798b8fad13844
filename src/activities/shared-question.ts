/**
 * Asks once for all that ask while the question is under way. Batches in flight that Gmail refuses at once each ask
 * whether it refuses the mailbox, and a refused question is repeated for some seconds.
 *
 * @param ask - the question; it fails where the answer is no
 * @returns the same question, which may be asked any number of times
 */
export function sharedQuestion(ask: () => Promise<unknown>): () => Promise<void> {
  let underWay: Promise<void> | null = null;
  return () => {
    underWay ??= Promise.resolve(ask())
      .then(() => undefined)
      .finally(() => {
        underWay = null;
      });
    return underWay;
  };
}
