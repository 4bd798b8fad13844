import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import * as definitions from '../../src/workflows/definitions.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { Page } from '../fixtures/docs/page.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = new Page('temporal.md');

describe('docs/temporal.md names', () => {
  const defined = (kind: string): string[] =>
    Object.values(definitions).flatMap((value) =>
      typeof value === 'object' && value.type === kind ? [value.name] : [],
    );

  it.each(['signal', 'update'])('every %s but the internal ones', (kind) => {
    const internal = ['rateLimited', 'handOver'];
    const documented = page.table(kind).map(([name = '']) => name);
    expect(documented.sort()).toEqual(
      defined(kind)
        .filter((name) => !internal.includes(name))
        .sort(),
    );
  });

  it('the one query', () => {
    const [, ...names] = /The query `(\w+)`/.exec(page.text()) ?? [];
    expect(names).toEqual(defined('query'));
  });

  it('every setting with its default', () => {
    const { scope, ...others } = DEFAULT_SETTINGS;
    const defaults = {
      ...others,
      ...Object.fromEntries(Object.entries(scope).map(([name, value]) => [`scope.${name}`, value])),
    };
    const documented = page
      .table('setting')
      .flatMap(([name = '', , value = '']) => (value === '' ? [] : [[name, JSON.parse(value) as unknown]]));
    expect(Object.fromEntries(documented)).toEqual(defaults);
  });

  it('every search attribute with its type', () => {
    expect(page.table('search attribute').map(([name, type]) => [name, type?.toUpperCase()])).toEqual(
      SEARCH_ATTRIBUTES.map(({ name, type }) => [name, type]),
    );
  });
});

describe.concurrent('docs/temporal.md', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.open('page');
    // A forced full sync waits for Gmail's indexes: this clock shortens the wait.
    await rig.startWorker(createLog('silent'), hurriedClock);
  });
  afterAll(() => rig.close());

  /** The page's text with the test's mailbox and task queue in place of the page's: tests share a server. */
  const about = (box: TestMailbox, text: string): string =>
    text
      .replaceAll('ada@example.com', box.id)
      .replaceAll(/(--task-queue |taskQueue: ')tidemark\b/g, `$1${rig.env['TIDEMARK_TASK_QUEUE']}`);
  const environment = (): NodeJS.ProcessEnv => ({
    ...rig.env,
    PATH: [dirname(inject('temporalBinary')), process.env['PATH']].join(delimiter),
  });

  it('has only blocks of sh and ts, which the next two tests run', () => {
    expect([...new Set(page.blocks().map(({ language }) => language))].sort()).toEqual(['sh', 'ts']);
  });

  it('has TypeScript that does what it says', async () => {
    const box = await rig.mailbox('page-typescript', { messages: 10 });
    const folder = join(rig.folder, 'program');
    mkdirSync(folder);
    const code = page
      .blocks()
      .filter(({ language }) => language === 'ts')
      .map((block) => about(box, block.code))
      .join('\n');
    expect(code).not.toMatch(/tidemark['/]|\.\//);
    // comment-examples.test.ts compiles it.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'program.mts'), code);

    const { stdout } = await run(process.execPath, [join(folder, 'program.mts')], { env: environment() });
    const { historyId, fullSyncs } = (await box.handle.result()) as definitions.MailboxResult;
    expect(stdout).toContain(`${box.id} is in sync at `);
    expect(stdout).toContain(
      'everything that Gmail had at the call is stored\neverything was listed again\nand compared\n',
    );
    expect(stdout).toContain(`${box.handle.workflowId}\n`);
    expect(stdout).toContain(`historyId: '${historyId}'`);
    expect(fullSyncs).toBeGreaterThanOrEqual(2);
    expect((await box.report()).settings).toMatchObject({
      format: 'raw',
      pollInterval: 60_000,
      scope: { includeSpamTrash: true },
    });
  }, 60_000);

  it('has commands that do what they say', async () => {
    const box = await rig.mailbox('page-commands', { messages: 10, format: 'full' });
    const said: string[] = [];
    for (const { heading, code } of page.blocks().filter(({ language }) => language === 'sh')) {
      const ended = await run('sh', ['-e', '-c', about(box, code)], { env: environment() }).catch(
        (error: unknown) => error,
      );
      expect(ended, `${heading}: ${code}`).toMatchObject({ stdout: expect.any(String), stderr: '' });
      said.push((ended as { stdout: string }).stdout);
      // Temporal's visibility lags, and the next commands expect a mailbox in sync.
      if (heading === 'Start' || heading === 'Tell') await box.exact(30_000);
    }
    const text = said.join('');
    expect(text).toContain(`"mailbox":"${box.id}"`);
    expect(text).toContain('"done": true');
    expect(text).toMatch(new RegExp(`Running +${box.handle.workflowId} +mailbox`));
    expect(text).toMatch(/Status +COMPLETED/);
    expect((await box.report()).settings).toMatchObject({ format: 'full', attachments: true });
  }, 60_000);

  it("has fields for the UI's form that start a mailbox", async () => {
    const box = await rig.mailbox('page-form', { messages: 10, format: 'full' });
    const { connection, options } = rig.tidemark.temporal;
    const field = (name: string): string =>
      about(box, page.table('field').find(([title]) => title === name)?.[1] ?? '');
    await new Client({ connection, namespace: options.namespace }).workflow.start(field('Workflow Type'), {
      workflowId: field('Workflow ID'),
      taskQueue: field('Task Queue') === definitions.DEFAULT_TASK_QUEUE ? (rig.env['TIDEMARK_TASK_QUEUE'] ?? '') : '',
      args: [JSON.parse(field('Input'))],
    });
    expect(await box.exact(30_000)).toMatchObject({ phase: 'live' });
  }, 60_000);
});

it('README.md shows commands of docs/temporal.md', () => {
  const commands = new Set(page.blocks().flatMap(({ code }) => code.replaceAll(/\\\n +/g, '').split('\n')));
  const shown = readFileSync(join(root, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('temporal '));
  expect(shown).toHaveLength(3);
  expect(shown.filter((line) => !commands.has(line))).toEqual([]);
});
