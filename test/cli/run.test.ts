import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { VERBS } from '../../src/cli/verbs.ts';
import { databaseAt } from '../../src/model/database-location.ts';
import { migrateStores } from '../../src/store/open-store.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { wholeProgram } from '../fixtures/system/whole-program.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidemark-cli-'));
  await migrateStores(databaseAt(`sqlite:${join(dataDir, 'tidemark.sqlite')}`));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  tidemark({ HOME: dataDir, TIDEMARK_DATA_DIR: dataDir, TEMPORAL_ADDRESS: inject('temporalAddress'), ...env }, ...args);

it.each(['--version', '-V'])('%s prints the version in package.json', async (flag) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  expect(await run([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('the command line', () => {
  it('has every verb', async () => {
    const program = await wholeProgram();
    expect(program.commands.map((command) => command.name())).toEqual(VERBS.map(({ name }) => name));
  });

  it('shows the same help whether the code of the verbs is loaded or not', async () => {
    const helpOf = async (loaded: boolean): Promise<string> => (await wholeProgram(() => loaded)).helpInformation();
    expect(await helpOf(false)).toBe(await helpOf(true));
  });

  it.each(VERBS)('shows an example in the help of $name', async ({ name }) => {
    const { code, stdout } = await run([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n  \\$ .*tidemark ${name}`));
    expect(stdout).toContain('--json');
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['synchronise']],
    ['no e-mail', ['start']],
    ['a bad e-mail', ['start', 'ada']],
    ['an unknown flag', ['start', 'ada@example.com', '--fast']],
    ['a bad number', ['start', 'ada@example.com', '--limit', 'many']],
    ['a bad date', ['start', 'ada@example.com', '--after', 'monday']],
    ['a bad duration', ['start', 'ada@example.com', '--poll-interval', '5']],
    ['no setting', ['configure', 'ada@example.com']],
    ['a bad recovery', ['configure', 'ada@example.com', '--recovery', 'fast']],
    ['a push label without push', ['start', 'ada@example.com', '--no-push', '--push-label', 'INBOX']],
    ['a bad format', ['start', 'ada@example.com', '--format', 'eml']],
    ['a bad export format', ['export', 'ada@example.com', '--format', 'pst']],
    ['too many arguments', ['status', 'ada@example.com', 'bob@example.com']],
    ['no credentials file', ['connect', 'ada@example.com']],
    ['no mailbox to resume', ['resume']],
    ['one mailbox and all of them', ['resume', 'ada@example.com', '--all']],
    ['one mailbox and a phase', ['resume', 'ada@example.com', '--phase', 'failed']],
    ['a phase and all of them', ['resume', '--all', '--phase', 'failed']],
    ['a dry run that waits', ['start', 'ada@example.com', '--dry-run', '--wait']],
    ['a build id beside --unversioned', ['set-current-version', 'b1', '--unversioned']],
    ['a number of messages beside an mbox file', ['simulate', '--mbox', 'a.mbox', '--messages', '5']],
    ['a host to listen on beside --pull', ['push', '--pull', '--host', '127.0.0.1']],
    ['a phase that cannot be resumed', ['resume', '--phase', 'live']],
  ])('exits with 2 for %s, and prints nothing on stdout', async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('refuses each option whose help begins with "with --OTHER" when OTHER is not given', async () => {
    const program = await wholeProgram();
    const dependent = program.commands.flatMap((command) =>
      command.options
        .filter(({ description }) => /^with --[a-z-]+: /.test(description))
        .map(({ long, required }) => [
          command.name(),
          ...command.registeredArguments.map(() => 'ada@example.com'),
          String(long),
          ...(required ? ['1'] : []),
        ]),
    );
    expect(dependent.map(([name]) => name)).toEqual(expect.arrayContaining(['start', 'sync', 'resync', 'deliveries']));
    for (const args of dependent) {
      const { code, stderr } = await run(args);
      expect({ args, code, stderr }).toEqual({
        args,
        code: 2,
        stderr: expect.stringContaining('means nothing without'),
      });
    }
  });

  it.each([
    ['a removal that is not confirmed', ['remove', 'ada@example.com']],
    ['no setting', ['configure', 'ada@example.com']],
    ['no build', ['set-current-version']],
  ])('exits with 2 for %s even where no server answers', async (_, args) => {
    expect((await run(args, { TEMPORAL_ADDRESS: '127.0.0.1:1' })).code).toBe(2);
  });

  it('names a wrong environment variable, and exits with 2', async () => {
    const { code, stderr } = await run(['list'], { LOG_LEVEL: 'loud' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^tidemark: LOG_LEVEL is "loud": expected one of .*\n$/);
  });

  it('reports usage errors as JSON where JSON was asked for', async () => {
    const { code, stderr } = await run(['status', 'ada', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      code: 'usage',
      message: expect.stringContaining('Expected an e-mail address'),
    });
  });

  it.each([
    ['status', 'ada@example.com'],
    ['pause', 'ada@example.com'],
  ])('says in one line that there is no Temporal server (%s)', async (...args) => {
    const address = '127.0.0.1:1';
    const { code, stderr } = await run(args, { TEMPORAL_ADDRESS: address });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `tidemark: No Temporal server answers at ${address}. Start it, or name another in TEMPORAL_ADDRESS. ` +
        'Without it, npm start in a checkout runs one.\n',
    );
  });

  it('says in one line that a mailbox is unknown, with a code for programs', async () => {
    const plain = await run(['status', 'nobody@example.com']);
    expect(plain).toMatchObject({ code: 1, stdout: '' });
    expect(plain.stderr.trim().split('\n')).toHaveLength(1);
    const json = await run(['status', 'nobody@example.com', '--json']);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 'mailbox-unknown' });
    expect((await run(['export', 'nobody@example.com'])).code).toBe(1);
  });

  it('changes the order of a subscription only by --order', async () => {
    const subscribe = (...args: string[]) => run(['subscribe', 'crm', '--url', 'https://example.com/hooks', ...args]);
    expect((await subscribe('--order', 'above-all')).code).toBe(0);
    const { code, stderr } = await subscribe('--attempts', '5');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Its order is above-all') });
    expect((await subscribe('--order', 'park', '--attempts', '5')).code).toBe(0);
    expect((await subscribe('--order', 'park')).code).toBe(0);
    expect(JSON.parse((await run(['subscriptions', '--json'])).stdout)).toMatchObject({
      subscriptions: [{ name: 'crm', order: { kind: 'park', attempts: 5 } }],
    });
  });

  it.each(['sync', 'resync', 'pause', 'resume', 'stop'])('does not %s a mailbox that is not running', async (name) => {
    const { code, stderr } = await run([name, 'nobody@example.com', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'mailbox-not-running' });
  });

  it('starts no mailbox that is not connected', async () => {
    const { code, stderr } = await run(['start', 'nobody@example.com']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'tidemark: nobody@example.com is not connected. First: tidemark login nobody@example.com --client FILE, ' +
        'or tidemark connect nobody@example.com --credentials FILE\n',
    });
  });

  it('refuses files that do not hold credentials', async () => {
    const missing = await run(['connect', 'ada@example.com', '--credentials', join(dataDir, 'none.json'), '--json']);
    expect({ code: missing.code, error: JSON.parse(missing.stderr) }).toMatchObject({
      code: 1,
      error: { code: 'credentials-file' },
    });
    writeFileSync(join(dataDir, 'client.json'), '{"installed":{"client_secret":"GOCSPX-secret"}}');
    const client = await run(['connect', 'ada@example.com', '--credentials', join(dataDir, 'client.json'), '--json']);
    expect({ code: client.code, error: JSON.parse(client.stderr) }).toMatchObject({
      code: 1,
      error: { code: 'invalid-credentials' },
    });
    expect(client.stderr).not.toContain('GOCSPX');
  });

  it('says in one line that the database cannot be used', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    const { code, stderr } = await run(['list'], { DATABASE_URL: `sqlite:${join(dataDir, 'file', 'mail.sqlite')}` });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('names the database in which it did not find a mailbox', async () => {
    const database = join(dataDir, 'tidemark.sqlite');
    for (const verb of ['export', 'check-bodies']) {
      expect((await run([verb, 'nobody@example.com'])).stderr).toBe(
        `tidemark: No mail of nobody@example.com is stored in sqlite:${database}. Check the address, ` +
          'and DATABASE_URL, which names the database.\n',
      );
    }
  });

  it('says in one line that a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await run([
      'simulate',
      '--port',
      String(port),
      '--messages',
      '0',
      '--credentials',
      dataDir,
    ]);
    taken.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `tidemark: Another program listens on 127.0.0.1:${port}. End it, or name another port.\n`,
    });
  });

  it('shows the stack of an error when LOG_LEVEL is debug', async () => {
    const { stderr } = await run(['status', 'nobody@example.com'], { LOG_LEVEL: 'debug' });
    expect(stderr).toMatch(/^ +at /m);
  });
});
