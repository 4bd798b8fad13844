import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { changedConfig, type Config } from './config.ts';
import type { MailboxId } from '../model/ids.ts';
import { codeOf } from '../model/error-code.ts';

const SIMULATED = z.object({
  mailbox: z.string(),
  gmailRootUrl: z.string(),
  googleTokenUrl: z.string(),
  userUnitsPerMinute: z.number(),
});
const RUNNING = z.object({
  pid: z.number(),
  mailboxes: z.array(z.string()),
  uiUrl: z.string().nullable(),
  simulated: SIMULATED.nullable().default(null),
});

/** What a running `npm start` writes down for the next one, and for commands in other terminals. */
export type RunningStart = z.infer<typeof RUNNING>;

export const runningStartFile = (dataDir: string): string => join(dataDir, 'start.json');

/** The `npm start` that uses the directory now; null when there is none. */
export function readRunningStart(dataDir: string): RunningStart | null {
  try {
    const running = RUNNING.safeParse(JSON.parse(readFileSync(runningStartFile(dataDir), 'utf8')));
    return running.success && isAlive(running.data.pid) ? running.data : null;
  } catch {
    return null;
  }
}

/**
 * The configuration for one mailbox. For the mailbox that `npm start` simulates, it names the simulator in place of
 * Google.
 */
export function configFor(config: Config, mailbox: MailboxId): Config {
  const simulated = readRunningStart(config.dataDir)?.simulated ?? null;
  if (simulated === null || simulated.mailbox !== mailbox) return config;
  const { gmailRootUrl, googleTokenUrl, userUnitsPerMinute } = simulated;
  return changedConfig(config, {
    gmailRootUrl,
    googleTokenUrl,
    quota: { ...config.quota, userUnitsPerMinute, next: null },
  });
}

/**
 * Process ids are reused after a while. On Linux the command line tells whether it is the same program:
 * `src/start/main.ts`, or `start/main.js` of the built package.
 */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start/main.');
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
