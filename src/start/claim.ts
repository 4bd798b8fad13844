import { linkSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';

import { codeOf } from '../model/error-code.ts';
import { makePrivateFolder } from '../host/private-files.ts';
import { readRunningStart, runningStartFile, type RunningStart } from '../config/running-start.ts';

export type Claim =
  | { readonly kind: 'ours'; publish(running: Omit<RunningStart, 'pid'>): void; release(): void }
  | { readonly kind: 'taken'; readonly pid: number };

/**
 * Makes this process the only `npm start` of a data directory. Two processes that start at the same moment cannot both
 * claim it: the file gets its name by a link, which succeeds for only one of them. A file that a killed process left
 * behind is recognised by its process id and removed first.
 */
export function claim(dataDir: string): Claim {
  makePrivateFolder(dataDir);
  const path = runningStartFile(dataDir);
  for (;;) {
    if (take(path)) {
      return {
        kind: 'ours',
        publish: (running) => writeFileSync(path, text({ pid: process.pid, ...running })),
        release: () => rmSync(path, { force: true }),
      };
    }
    const running = readRunningStart(dataDir);
    if (running !== null) return { kind: 'taken', pid: running.pid };
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text({ pid: process.pid, mailboxes: [], uiUrl: null, simulated: null }));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

const text = (running: RunningStart): string => `${JSON.stringify(running)}\n`;
