import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { wholeProgram } from '../fixtures/system/whole-program.ts';
import { VARIABLE_NAMES } from '../../src/config/variables.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];
/** Rows of tables whose first column names variables. */
const rows = pages
  .flatMap((page) => readFileSync(join(root, page), 'utf8').split('\n'))
  .filter((line) => /^\| (`[A-Z]|.*`[A-Z][A-Z\d]+_)/.test(line))
  .map((line) => line.split(' | ')[0] ?? '');
const documented = new Set(
  rows.flatMap((row) => [...row.matchAll(/`([A-Z][A-Z\d_]*_[A-Z\d_]+)`/g)].map(([, name = '']) => name)),
);
/** `TEMPORAL_*`, or a name and the endings it may have: `KEY` (`…_FILE`, `…_COMMAND`). */
const families = rows.flatMap((row) => [...row.matchAll(/`([A-Z_]+_)\*`/g)].map(([, prefix = '']) => prefix));
const endings = rows.flatMap((row) => {
  const names = [...row.matchAll(/`([A-Z][A-Z\d_]+)`/g)].map(([, name = '']) => name);
  return [...row.matchAll(/`…(_[A-Z_]+)`/g)].map(([, ending = '']) => `${names[0] ?? ''}${ending}`);
});
/** Read by Google's, Amazon's, Temporal's and OpenTelemetry's own libraries. */
const OF_OTHERS = /^(TEMPORAL|AWS|OTEL|PUBSUB)_/;

describe('the environment variables', () => {
  it('are all documented, in README.md or docs', () => {
    const undocumented = VARIABLE_NAMES.filter(
      (name) => !documented.has(name) && !endings.includes(name) && !families.some((prefix) => name.startsWith(prefix)),
    );
    expect(undocumented).toEqual([]);
  });

  it('that are documented all exist', () => {
    const known = new Set<string>(VARIABLE_NAMES);
    expect([...documented, ...endings].filter((name) => !known.has(name) && !OF_OTHERS.test(name))).toEqual([]);
    expect(documented.size).toBeGreaterThan(20);
  });

  it("are all named in the command line's help", async () => {
    let help = '';
    const program = await wholeProgram();
    program.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    const named = new Set(help.match(/[A-Z][A-Z\d]*_[A-Z\d_]+/g));
    const others = [...help.matchAll(/other ([A-Z]+_)\*/g)].map(([, prefix = '']) => prefix);
    expect(
      VARIABLE_NAMES.filter((name) => !named.has(name) && !others.some((prefix) => name.startsWith(prefix))),
    ).toEqual([]);
  });
});
