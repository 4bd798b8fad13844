/** The part of vitest's JSON report that this module reads; times in epoch ms. */
interface Report {
  readonly testResults: readonly { readonly name: string; readonly startTime: number; readonly endTime: number }[];
}

/**
 * The slowest test files, one per line.
 *
 * @param report vitest's JSON report
 * @param root the folder from which files are named
 */
export function slowest(
  report: string,
  { root, count }: { readonly root: string; readonly count: number },
): readonly string[] {
  const files = (JSON.parse(report) as Report).testResults.map(({ name, startTime, endTime }) => ({
    name: name.replace(root, ''),
    took: endTime - startTime,
  }));
  const slow = files.toSorted((a, b) => b.took - a.took).slice(0, count);
  return slow.map(({ name, took }) => `${(took / 1000).toFixed(1).padStart(7)} s  ${name}`);
}
