import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** [file, a line of code]: what the table of rooms in ARCHITECTURE.md allows. */
const ALLOWED = [
  ['src/model/a.ts', "export { b } from './b.ts';"],
  ['src/gmail/a.ts', "export { mailboxId } from '../model/ids.ts';"],
  ['src/gmail/a.ts', "export { gmail } from 'googleapis/build/src/apis/gmail/index.js';"],
  ['src/gmail/a.ts', "export { request } from 'undici';"],
  ['src/store/migrations/a.ts', "export { schema } from '../schema.ts';"],
  ['src/store/a.ts', "export { sql } from 'kysely';"],
  ['src/store/a.ts', "export { Pool } from 'pg';"],
  ['src/store/a.ts', "export { setImmediate } from 'node:timers/promises';"],
  ['src/activities/a.ts', "export { GmailError } from '../gmail/gmail-error.ts';"],
  ['src/activities/a.ts', "export { StoreError } from '../store/store-error.ts';"],
  ['src/activities/a.ts', "export { heartbeat } from '@temporalio/activity';"],
  ['src/workflows/a.ts', "export type { Activities } from '../activities/index.ts';"],
  ['src/workflows/a.ts', "export { sleep } from '@temporalio/workflow';"],
  ['src/workflows/a.ts', 'export const now = Date.now();'],
  ['src/client/a.ts', "export { poke } from '../workflows/definitions.ts';"],
  ['src/cli/a.ts', "export { start } from '../client/index.ts';"],
  ['src/cli/a.ts', "export { loadConfig } from '../config.ts';"],
  ['src/telemetry/a.ts', "export type { Telemetry } from '../model/telemetry.ts';"],
  ['src/telemetry/a.ts', "export { backfillQueueOf } from '../client/task-queues.ts';"],
  ['src/push/a.ts', "export { poke } from '../client/mailbox-poker.ts';"],
  ['src/push/a.ts', "export { jwtVerify } from 'jose';"],
  ['src/worker.ts', "export type { mailbox } from './workflows/index.ts';"],
  ['src/worker.ts', 'export const now = Date.now();'],
] as const;

/** [file, a line of code, the rule that refuses it]. */
const REFUSED = [
  ['src/model/a.ts', "export { readFile } from 'node:fs';", 'no-restricted-imports'],
  ['src/model/a.ts', "export { z } from 'zod';", 'no-restricted-imports'],
  ['src/model/a.ts', "export { x } from '../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { x } from '../store/schema.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export type { X } from '../store/schema.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { loadConfig } from '../config.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { Context } from '@temporalio/activity';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { google } from 'googleapis';", 'no-restricted-imports'],
  ['src/store/a.ts', "export { x } from '../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/store/migrations/a.ts', "export { x } from '../../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/store/a.ts', "export { request } from 'undici';", 'no-restricted-imports'],
  ['src/simulator/a.ts', "export { x } from '../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/simulator/a.ts', "export { sql } from 'kysely';", 'no-restricted-imports'],
  ['src/activities/a.ts', "export { x } from '../workflows/mailbox.ts';", 'no-restricted-imports'],
  ['src/activities/a.ts', "export { Client } from '@temporalio/client';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { x } from '../activities/index.ts';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export type { X } from '../store/schema.ts';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { readFile } from 'node:fs';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { z } from 'zod';", 'no-restricted-imports'],
  ['src/workflows/a.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['src/start/a.ts', "console.log('raw');", 'no-console'],
  ['src/client/a.ts', "export { x } from '../workflows/mailbox.ts';", 'no-restricted-imports'],
  ['src/client/a.ts', "export { x } from '../activities/index.ts';", 'no-restricted-imports'],
  ['src/cli/a.ts', "export { x } from '../activities/index.ts';", 'no-restricted-imports'],
  ...['gmail', 'store', 'simulator', 'activities', 'workflows', 'client', 'push', 'temporal-server'].map((room) => [`src/${room}/a.ts`, "export { x } from '../consent/consent.ts';", 'no-restricted-imports'] as const),
  ['src/push/a.ts', "export { x } from '../store/schema.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { x } from '../telemetry/runtime.ts';", 'no-restricted-imports'],
  ['src/activities/a.ts', "export { x } from '../telemetry/runtime.ts';", 'no-restricted-imports'],
  ['src/telemetry/a.ts', "export { x } from '../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/telemetry/a.ts', "export { x } from '../store/schema.ts';", 'no-restricted-imports'],
  ['src/push/a.ts', "export { x } from '../gmail/batch.ts';", 'no-restricted-imports'],
  ['src/push/a.ts', "export { x } from '../workflows/mailbox.ts';", 'no-restricted-imports'],
  ['src/temporal-server/a.ts', "export { x } from '../cli/main.ts';", 'no-restricted-imports'],
  ['src/worker.ts', "export { mailbox } from './workflows/index.ts';", 'no-restricted-imports'],
  ['src/gmail/a.ts', "export { setTimeout } from 'node:timers/promises';", 'no-restricted-imports'],
  ['src/gmail/a.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['src/gmail/a.ts', 'export const now = Date.now();', 'no-restricted-properties'],
  ['src/store/a.ts', 'export const dice = Math.random();', 'no-restricted-properties'],
  ['test/a.test.ts', "import { vi } from 'vitest';\nvi.mock('../src/config/config.ts');", 'no-restricted-vi-methods'],
] as const;

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

let directory: string;
/** The restrictions that each file breaks, by the file's path. */
let broken: Map<string, Set<string>>;

/** Each line of code stands in a project of its own, numbered by its place in the lists. */
const place = (file: string, number: number): string => `${number}/${file}`;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-rooms-'));
  const cases = [...ALLOWED, ...REFUSED];
  for (const [number, [file, code]] of cases.entries()) {
    const path = join(directory, place(file, number));
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(join(root, '.oxlintrc.json'), join(directory, String(number), '.oxlintrc.json'));
    writeFileSync(path, `${code}\n`);
  }
  const report = await new Promise<string>((resolve, reject) => {
    const command = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
    execFile(process.execPath, [command, '--format=json', '.'], { cwd: directory }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(stderr));
      else resolve(stdout);
    });
  });
  broken = new Map();
  for (const { code, filename } of (JSON.parse(report) as { diagnostics: Diagnostic[] }).diagnostics) {
    const rule = /\((.+)\)/.exec(code)?.[1] ?? code;
    if (rule.startsWith('no-restricted') || rule === 'no-console') broken.set(filename, new Set([...(broken.get(filename) ?? []), rule]));
  }
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('a room', () => {
  it.each(ALLOWED.map(([file, code], index) => ({ file, code, index })))('lets $file have $code', ({ file, index }) => {
    expect([...(broken.get(place(file, index)) ?? [])]).toEqual([]);
  });

  it.each(REFUSED.map(([file, code, rule], index) => ({ file, code, rule, index: ALLOWED.length + index })))(
    'refuses $file to have $code',
    ({ file, rule, index }) => {
      expect([...(broken.get(place(file, index)) ?? [])]).toEqual([rule]);
    },
  );
});
