import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { wholeProgram } from '../fixtures/system/whole-program.ts';
import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { Terminal } from '../../src/host/terminal.ts';
import { answerConsent } from '../fixtures/gmail/browser.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { harmIn, HOSTILE, hostileMbox, openHostileWorld, SHOWN, type HostileWorld } from './hostile-mail.ts';
import { Program } from '../fixtures/host/program.ts';
import { openNamespace } from '../fixtures/system/own-namespace.ts';
import { Rig } from '../fixtures/system/rig.ts';

/** One command to run among what a stranger wrote. */
interface Try {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What it prints once it is up: then it is interrupted. */
  readonly upWith?: RegExp;
  /**
   * Whether hostile text appears, escaped: an output that holds no such text proves little. `as JSON`: only with
   * `--json`.
   */
  readonly shows: boolean | 'as JSON';
}

const LINK = /^(http:\S+\/o\/oauth2\/v2\/auth\?\S+)$/m;
const VERBS = (await wholeProgram()).commands.map((command) => command.name());

/** The commands to run for each verb where all that a stranger can write is hostile. Each is run with `--json`, too. */
const TRIES: Readonly<Record<string, (world: HostileWorld) => readonly Try[]>> = {
  migrate: ({ folder }) => [
    { args: [], shows: false },
    { args: [], env: { DATABASE_URL: `sqlite:${join(folder, 'client.json', HOSTILE)}` }, shows: true },
  ],
  move: ({ folder, db }) => [
    { args: ['--from', `sqlite:${db}`, '--to', `sqlite:${join(folder, 'moved.sqlite')}`], shows: false },
    {
      args: [
        '--from',
        `sqlite:${join(folder, 'client.json', HOSTILE)}`,
        '--to',
        `sqlite:${join(folder, 'moved.sqlite')}`,
      ],
      shows: true,
    },
  ],
  // Runs in a process of its own below: its log goes to the process's own stderr.
  worker: () => [],
  login: ({ folder, file }) => [
    { args: ['--client', join(folder, `${HOSTILE}.json`)], shows: true },
    { args: ['--client', file.client, '--no-browser'], shows: false },
  ],
  connect: ({ live, folder, file }) => [
    { args: [live.id, '--credentials', join(folder, `${HOSTILE}.json`)], shows: true },
    { args: [live.id, '--credentials', file.grant], shows: false },
  ],
  'connect-domain': ({ live, file }) => [
    { args: ['--admin', live.id, '--credentials', file.robot, '--org-unit', `/${HOSTILE}`, '--dry-run'], shows: true },
  ],
  start: ({ live, blocked }) => [
    { args: [live.id], shows: false },
    { args: [live.id, '--label', 'no such label'], shows: true },
    { args: [live.id, '--label', `no ${HOSTILE}`], shows: true },
    { args: [blocked.id], shows: true },
    { args: [blocked.id, '--wait'], shows: true },
  ],
  configure: ({ live, blocked }) => [
    { args: [live.id, '--push-label', `no ${HOSTILE}`], shows: true },
    { args: [blocked.id, '--poll-interval', '2m'], shows: true },
    { args: [blocked.id, '--poll-interval', '3m', '--wait'], shows: true },
  ],
  sync: ({ live, blocked }) => [
    { args: [live.id, '--wait'], shows: false },
    { args: [blocked.id, '--wait'], shows: true },
  ],
  resync: ({ live, blocked }) => [
    { args: [live.id], shows: false },
    { args: [blocked.id, '--wait'], shows: true },
  ],
  pause: ({ expendable }) => [{ args: [expendable.id], shows: false }],
  resume: ({ expendable }) => [{ args: [expendable.id], shows: false }],
  stop: ({ expendable }) => [{ args: [expendable.id], shows: false }],
  rename: ({ expendable, live }) => [
    { args: [expendable.id, live.id], shows: false },
    { args: [expendable.id, HOSTILE], shows: true },
  ],
  remove: ({ expendable }) => [{ args: [expendable.id, '--yes'], shows: false }],
  status: ({ live, blocked, stored }) => [
    { args: [live.id], shows: false },
    { args: [blocked.id], shows: true },
    { args: [stored], shows: true },
    { args: [HOSTILE], shows: true },
  ],
  failures: ({ stored }) => [{ args: [stored], shows: true }],
  audit: ({ blocked }) => [{ args: [blocked.id], shows: true }],
  list: () => [{ args: [], shows: 'as JSON' }],
  doctor: () => [{ args: [], shows: true }],
  export: ({ live, stored }) => [
    { args: [stored], shows: true },
    { args: [live.id], shows: true },
    { args: [live.id, '--format', 'mbox'], shows: true },
    { args: [live.id, '--format', HOSTILE], shows: true },
  ],
  changes: ({ stored }) => [{ args: [stored], shows: true }],
  show: ({ live, stored, shownId }) => [
    { args: [stored, `held ${HOSTILE}`], shows: true },
    { args: [stored, `no ${HOSTILE}`], shows: true },
    { args: [live.id, shownId], shows: true },
    { args: [live.id, shownId, '--raw'], shows: 'as JSON' },
  ],
  subscribe: ({ folder }) => [
    { args: ['hook', '--url', 'http://10.0.0.1/'], shows: false },
    { args: [HOSTILE, '--url', 'https://example.com/'], shows: true },
    { args: ['hook', '--url', `https://10.0.0.1/${HOSTILE}`, '--link', HOSTILE], shows: false },
    { args: ['hook', '--fields', HOSTILE], shows: true },
    { args: ['hook', '--secret-file', join(folder, HOSTILE)], shows: true },
  ],
  subscriptions: () => [{ args: [], shows: false }],
  deliveries: () => [
    { args: ['waits'], shows: true },
    { args: ['parks', '--parked'], shows: true },
    { args: [HOSTILE], shows: true },
  ],
  replay: ({ stored }) => [
    { args: ['parks', '--mailbox', stored, '--after', '0'], shows: false },
    { args: [HOSTILE, '--since', '2026-01-01'], shows: true },
  ],
  unsubscribe: () => [
    { args: ['parks'], shows: false },
    { args: [HOSTILE], shows: true },
  ],
  'check-bodies': ({ stored }) => [{ args: [stored], shows: false }],
  sweep: ({ folder }) => [
    { args: [], shows: false },
    { args: [], env: { BODIES_URL: `file:${join(folder, HOSTILE)}` }, shows: true },
  ],
  push: ({ folder }) => [
    {
      args: ['--port', '0', '--host', '127.0.0.1'],
      env: { PUSH_AUDIENCE: 'http://127.0.0.1/push', PUSH_SERVICE_ACCOUNT: 'push@example.com' },
      upWith: /Listening at|"url"/,
      shows: false,
    },
    {
      args: ['--port', '0', '--tls-cert', join(folder, HOSTILE), '--tls-key', join(folder, HOSTILE)],
      env: { PUSH_AUDIENCE: 'http://127.0.0.1/push', PUSH_SERVICE_ACCOUNT: 'push@example.com' },
      shows: true,
    },
  ],
  'test-webhook': ({ folder }) => [
    { args: [`https://example.com:1:${HOSTILE}`], shows: false },
    { args: ['https://127.0.0.1/', '--secret-file', join(folder, HOSTILE)], shows: true },
  ],
  'rotate-key': () => [
    { args: [], env: { TIDEMARK_SECRET_KEY: HOSTILE }, shows: false },
    { args: [], shows: false },
  ],
  'codec-server': ({ payloadKey }) => [
    {
      args: ['--port', '0', '--origin', HOSTILE],
      env: { TIDEMARK_PAYLOAD_KEY: payloadKey },
      upWith: /Decrypting at|"url"/,
      shows: true,
    },
  ],
  'set-current-version': () => [{ args: [HOSTILE], shows: true }],
  simulate: ({ folder, file }) => [
    {
      args: ['--port', '0', '--credentials', folder, '--mbox', file.mbox],
      upWith: /Ctrl-C ends it|"url"/,
      shows: false,
    },
    { args: ['--port', '0', '--credentials', folder, '--mbox', join(folder, HOSTILE)], shows: true },
  ],
};

describe('what a stranger wrote, on a terminal', () => {
  let rig: Rig;
  let world: HostileWorld;

  beforeAll(async () => {
    // `doctor` shows ten mailboxes at most, which might be those of other tests.
    const namespace = `hostile-${process.pid}`;
    await openNamespace(namespace);
    rig = await Rig.open('hostile', { logLevel: 'silent', env: { TEMPORAL_NAMESPACE: namespace } });
    await rig.startWorker();
    world = await openHostileWorld(rig);
  }, 90_000);
  afterAll(() => rig.close());

  /** Runs a command on a terminal, or into pipes. A link for consent is answered with a hostile refusal. */
  async function output(
    { args, env = {}, upWith }: Pick<Try, 'args' | 'env' | 'upWith'>,
    { terminal }: { terminal: boolean },
  ): Promise<string> {
    const ended = new AbortController();
    let said = '';
    let answered = false;
    const hear = (): Terminal =>
      Object.assign(
        new PassThrough().on('data', (chunk: Buffer) => {
          said += chunk.toString();
          const link = LINK.exec(said)?.[1];
          if (link !== undefined && !answered) {
            answered = true;
            void refuseConsent(link);
          }
          if (upWith?.test(said) === true) ended.abort(new Error('interrupted'));
        }),
        { isTTY: terminal, columns: 80 },
      );
    const [stdout, stderr] = [hear(), hear()];
    await runCli(args, {
      env: {
        ...rig.env,
        GOOGLE_AUTH_URL: `${rig.config.gmailRootUrl}/o/oauth2/v2/auth`,
        GOOGLE_ADMIN_URL: rig.config.gmailRootUrl,
        ...env,
      },
      stdout,
      stderr,
      clock: systemClock,
      signal: AbortSignal.any([ended.signal, AbortSignal.timeout(30_000)]),
    });
    await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.end(resolve))));
    return said;
  }

  async function refuseConsent(link: string): Promise<void> {
    const redirect = new URL(await answerConsent(link, 'deny'));
    redirect.searchParams.set('error', HOSTILE);
    await fetch(redirect);
  }

  it('has a case for each verb', () => {
    expect(Object.keys(TRIES).toSorted()).toEqual(VERBS.toSorted());
  });

  it.each(VERBS)('has no effect in an option or a variable that %s refuses', async (verb) => {
    const [first] = TRIES[verb]?.(world) ?? [];
    const usual = [verb, ...(first?.args ?? [])];
    for (const [args, env] of [
      [[...usual, `--${HOSTILE}`], {}],
      [usual, { LOG_LEVEL: HOSTILE }],
    ] as const) {
      for (const flags of [[], ['--json']]) {
        const said = await output({ args: [...args, ...flags], env }, { terminal: true });
        expect(harmIn(said)).toBeNull();
        expect(said).toContain(SHOWN);
      }
    }
  });

  it.each(VERBS.filter((verb) => verb !== 'worker'))(
    'has no effect in the output of %s',
    async (verb) => {
      const tries = TRIES[verb]?.(world) ?? [];
      expect(tries).not.toEqual([]);
      for (const { args, shows, ...how } of tries) {
        for (const flags of [[], ['--json']]) {
          const said = await output({ args: [verb, ...args, ...flags], ...how }, { terminal: true });
          const what = JSON.stringify([verb, ...args, ...flags]);
          expect(harmIn(said), what).toBeNull();
          expect(said.includes(SHOWN), `${what} shows hostile text`).toBe(
            shows === 'as JSON' ? flags.length > 0 : shows,
          );
        }
      }
    },
    120_000,
  );

  it('has no effect in exported JSON lines, which are the same in a pipe as on a terminal', async () => {
    for (const mailbox of [world.stored, world.live.id]) {
      const [piped, shown] = [
        await output({ args: ['export', mailbox] }, { terminal: false }),
        await output({ args: ['export', mailbox] }, { terminal: true }),
      ];
      expect(harmIn(piped)).toBeNull();
      expect(piped).toBe(shown);
    }
    // A notice about what is left out follows, on the other stream.
    const [line = ''] = (await output({ args: ['export', world.stored] }, { terminal: false })).split('\n');
    expect(JSON.parse(line)).toMatchObject({
      id: `held ${HOSTILE}`,
      labels: ['INBOX', HOSTILE].toSorted(),
      payload: { headers: [{ value: HOSTILE }] },
    });
  });

  it('has no effect in the log of a worker at level trace', async () => {
    const worker = new Program('cli/main.ts', ['worker'], { ...rig.env, LOG_LEVEL: 'trace' });
    await worker.says(/worker runs/);
    await world.blocked.client.resume(world.blocked.id);
    await world.live.client.configure(world.live.id, { pollInterval: 3_000 });
    await world.live.client.sync(world.live.id, { wait: true });
    const { stdout, stderr } = await worker.end('SIGTERM');
    expect(harmIn(stdout + stderr)).toBeNull();
    for (const line of stderr.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
  }, 60_000);
});

it('npm start escapes what a stranger wrote in the mail whose changes it shows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-hostile-'));
  const mbox = join(folder, 'hostile.mbox');
  writeFileSync(mbox, hostileMbox(6));
  const program = new Program(
    'start/main.ts',
    ['--port', '0', '--ui-port', '0', '--simulator-port', '0', '--mbox', mbox],
    {
      HOME: folder,
      TIDEMARK_DATA_DIR: folder,
      TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
      PATH: `${dirname(inject('temporalBinary'))}${delimiter}${process.env['PATH'] ?? ''}`,
    },
  );
  try {
    await program.says(/Gmail {3}.*\\u001b\[2J/);
    await program.says(/store +#\d+/);
  } finally {
    const { stdout, stderr } = await program.end('SIGINT');
    expect(harmIn(stdout + stderr)).toBeNull();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}, 120_000);
