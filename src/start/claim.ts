import { linkSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { makePrivateFolder } from '../private-files.ts';

const RUNNING = z.object({ pid: z.number(), mailboxes: z.array(z.string()), uiUrl: z.string().nullable(), gmailRootUrl: z.string() });

/** What a running `npm start` tells the next one. */
export type Running = z.infer<typeof RUNNING>;

export type Claim = { readonly kind: 'ours'; publish(running: Omit<Running, 'pid'>): void; release(): void } | { readonly kind: 'taken'; readonly pid: number };

const NAME = 'start.json';

/**
 * Makes this process the one `npm start` of a data directory. Why two that come at one moment cannot both have it: the file gets its name by
 * a link, which succeeds for one of them. A file that a killed process left is known by its process id, and is taken away first.
 */
export function claim(dataDir: string): Claim {
  makePrivateFolder(dataDir);
  const path = join(dataDir, NAME);
  for (;;) {
    if (take(path)) {
      return {
        kind: 'ours',
        publish: (running) => writeFileSync(path, text({ pid: process.pid, ...running })),
        release: () => rmSync(path, { force: true }),
      };
    }
    const running = readRunning(dataDir);
    if (running !== null) return { kind: 'taken', pid: running.pid };
    rmSync(path, { force: true });
  }
}

/** The `npm start` that runs over the directory now; null when there is none. */
export function readRunning(dataDir: string): Running | null {
  try {
    const running = RUNNING.safeParse(JSON.parse(readFileSync(join(dataDir, NAME), 'utf8')));
    return running.success && isAlive(running.data.pid) ? running.data : null;
  } catch {
    return null;
  }
}

function take(path: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text({ pid: process.pid, mailboxes: [], uiUrl: null, gmailRootUrl: '' }));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

const text = (running: Running): string => `${JSON.stringify(running)}\n`;

/** A process id is given again after a while: on Linux its command tells. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start.ts');
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
