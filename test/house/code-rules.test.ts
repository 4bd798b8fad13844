import { beforeAll, describe, expect, it } from 'vitest';

import { lint } from '../../scripts/house/lint.ts';

/** [file, a line of code]: what the rules allow. */
const ALLOWED = [
  ['src/gmail/api/a.ts', "export { gmail } from 'googleapis/build/src/apis/gmail/index.js';"],
  ['src/gmail/api/a.ts', "export { request } from 'undici';"],
  ['src/store/rows/a.ts', "export { sql } from 'kysely';"],
  ['src/store/engines/a.ts', "export { Migrator } from 'kysely/migration';"],
  ['src/store/engines/a.ts', "export { setImmediate } from 'node:timers/promises';"],
  ['src/activities/a.ts', "export { heartbeat } from '@temporalio/activity';"],
  ['src/workflows/a.ts', "export { sleep } from '@temporalio/workflow';"],
  ['src/workflows/a.ts', "export type { Activities } from '../activities/requests.ts';"],
  ['src/workflows/a.ts', 'export const now = Date.now();'],
  ['src/cli/one.ts', "export type { StoredMessage } from '../store/reads/mail-store.ts';"],
  ['src/worker.ts', 'export const now = Date.now();'],
] as const;

/** [file, a line of code, the rule that refuses it]. */
const REFUSED = [
  ['src/model/a.ts', "export { readFile } from 'node:fs';", 'no-restricted-imports'],
  ['src/model/a.ts', "export { z } from 'zod';", 'no-restricted-imports'],
  ['src/gmail/api/a.ts', "export { Context } from '@temporalio/activity';", 'no-restricted-imports'],
  ['src/gmail/api/a.ts', "export { google } from 'googleapis';", 'no-restricted-imports'],
  ['src/store/engines/a.ts', "export { request } from 'undici';", 'no-restricted-imports'],
  ['src/store/rules/a.ts', "export { sql } from 'kysely';", 'no-restricted-imports'],
  ['src/simulator/a.ts', "export { sql } from 'kysely';", 'no-restricted-imports'],
  ['src/activities/a.ts', "export { Client } from '@temporalio/client';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { Activities } from '../activities/requests.ts';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { readFile } from 'node:fs';", 'no-restricted-imports'],
  ['src/workflows/a.ts', "export { z } from 'zod';", 'no-restricted-imports'],
  ['src/workflows/a.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['src/worker.ts', "export { mailbox } from './workflows/index.ts';", 'no-restricted-imports'],
  ['src/cli/one.ts', "export { MailStore } from '../store/reads/mail-store.ts';", 'no-restricted-imports'],
  ['src/start/a.ts', "console.log('raw');", 'no-console'],
  ['src/gmail/api/a.ts', "export { setTimeout } from 'node:timers/promises';", 'no-restricted-imports'],
  ['src/gmail/api/a.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['src/gmail/api/a.ts', 'export const now = Date.now();', 'no-restricted-properties'],
  ['src/store/rows/a.ts', 'export const dice = Math.random();', 'no-restricted-properties'],
  ['src/loose.ts', "export { b } from './index.ts';", 'no-restricted-imports'],
  ['src/nowhere/a.ts', "export { readFile } from 'node:fs';", 'no-restricted-imports'],
  ['test/a.test.ts', "import { vi } from 'vitest';\nvi.mock('../src/config/config.ts');", 'no-restricted-vi-methods'],
] as const;

const cases = [...ALLOWED, ...REFUSED];
let broken: readonly ReadonlySet<string>[];
beforeAll(async () => {
  broken = (await lint(cases.map(([file, code]) => ({ file, code })))).map(
    (rules) => new Set(rules.map(({ rule }) => rule)),
  );
});

const functionOf = (lines: number): string =>
  ['export function long(): void {', ...Array.from({ length: lines - 2 }, () => '  void 0;'), '}'].join('\n');

describe('the lint rules', () => {
  it.each([
    { lines: 60, file: 'src/model/a.ts', refused: [] },
    { lines: 61, file: 'src/model/a.ts', refused: ['max-lines-per-function'] },
    { lines: 61, file: 'src/store/engines/migrations/a.ts', refused: ['max-lines-per-function'] },
    { lines: 61, file: 'test/a.test.ts', refused: [] },
  ])('allow a function in src 60 lines at most: $lines lines in $file', async ({ lines, file, refused }) => {
    const [found = []] = await lint([{ file, code: functionOf(lines) }]);
    expect(found.map(({ rule }) => rule)).toEqual(refused);
  });

  it.each(ALLOWED.map(([file, code], index) => ({ file, code, index })))('allow in $file: $code', ({ index }) => {
    expect([...(broken[index] ?? [])]).toEqual([]);
  });

  it.each(REFUSED.map(([file, code, rule], index) => ({ file, code, rule, index: ALLOWED.length + index })))(
    'refuse in $file: $code',
    ({ rule, index }) => {
      expect([...(broken[index] ?? [])]).toEqual([rule]);
    },
  );
});
