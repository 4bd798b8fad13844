import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a bench closes when it ends, in reverse order. */
export type Ends = (() => unknown)[];

/** Measures in a folder that is deleted afterwards. What the measurement has opened is closed, also when it fails. */
export async function inFolder<Result>(measure: (folder: string, ends: Ends) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const ends: Ends = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    return await measure(folder, ends);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}
