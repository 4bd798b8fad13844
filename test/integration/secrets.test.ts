import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import proto from '@temporalio/proto';
import { afterEach, expect, inject, it } from 'vitest';

import { runCli } from '../../src/cli/run.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { answerConsent } from '../fixtures/gmail/browser.ts';
import { createDatabase, type TestDatabase } from '../fixtures/postgres/suite-database.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { findSecrets, type Haystack } from './planted.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { textsIn } from './texts.ts';
import { wholeProgram } from '../fixtures/system/whole-program.ts';

let rig: Rig;
let database: TestDatabase | null = null;
afterEach(async () => {
  await rig.close();
  await database?.drop();
});

const LINK = /^(http:\S+\/o\/oauth2\/v2\/auth\?\S+)$/m;
const newKey = (): string => randomBytes(32).toString('base64');

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const SERVICE_ACCOUNT = JSON.stringify({
  type: 'service_account',
  client_email: 'robot@project.iam.gserviceaccount.com',
  private_key: privateKey,
  private_key_id: 'k1',
});

const PASSWORD = 'planted-pass/word-6P';
const KEYS = { current: newKey(), old: newKey(), wrong: newKey(), payload: newKey() };
const MAIL = {
  subject: 'Planted-Subject-7Q',
  body: 'planted body 8R',
  sender: 'planted.sender.9S',
  label: 'Planted Label 0T',
  attachment: 'planted-file-1U.pdf',
};

function planted(n: number): string {
  return [
    `From: Planted <${MAIL.sender}@example.com>`,
    `To: ${MAIL.sender}@example.org`,
    `Subject: ${MAIL.subject} ${n}`,
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    `--b\r\nContent-Type: text/plain\r\n\r\n${MAIL.body}\r\n--b\r\nContent-Type: application/pdf\r\n` +
      `Content-Disposition: attachment; filename="${MAIL.attachment}"\r\n\r\nx\r\n--b--\r\n`,
  ].join('\r\n');
}

/** Runs a command in this process, and keeps its output. A consent link that it prints is answered as by a person. */
async function command(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { account, codes, stopAfter }: { account?: string; codes?: string[]; stopAfter?: RegExp } = {},
): Promise<Haystack & { code: number; stdout: string; stderr: string }> {
  const ended = new AbortController();
  const patience = AbortSignal.timeout(20_000);
  const said = { stdout: '', stderr: '' };
  let answered = false;
  const follow = async (link: string): Promise<void> => {
    const redirect = await answerConsent(link, account === undefined ? 'deny' : { account });
    codes?.push(new URL(redirect).searchParams.get('code') ?? 'none: it was declined');
    await fetch(redirect);
  };
  const hear = (stream: 'stdout' | 'stderr') =>
    new PassThrough().on('data', (text: Buffer) => {
      said[stream] += text.toString();
      const link = LINK.exec(said.stderr)?.[1];
      if (link !== undefined && !answered) {
        answered = true;
        void follow(link);
      }
      if (stopAfter?.test(said[stream]) === true) ended.abort();
    });
  const [stdout, stderr] = [hear('stdout'), hear('stderr')];
  const signal = AbortSignal.any([ended.signal, patience]);
  const code = await runCli(args, { env, stdout, stderr, clock: systemClock, signal });
  await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.end(resolve))));
  return { name: `tidemark ${args.join(' ')}`, text: `${said.stdout}\n${said.stderr}`, code, ...said };
}

/** All that Temporal holds of a mailbox: each run's history, as on the wire and as JSON, and its description. */
async function temporalHolds(box: Pick<TestMailbox, 'handle' | 'runs'>, name: string): Promise<Haystack[]> {
  const runs = await box.runs();
  const binary = runs.map(({ history }) => Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish()));
  const described = (await box.handle.describe()).raw;
  return [
    { name: `${name}: histories, binary`, text: binary.map((bytes) => bytes.toString('latin1')).join('\n') },
    { name: `${name}: histories, decoded`, text: [...textsIn(runs)].join('\n') },
    { name: `${name}: histories, JSON`, text: JSON.stringify(runs) },
    {
      name: `${name}: description, memo, search attributes`,
      text: `${[...textsIn(described)].join('\n')}\n${JSON.stringify(described)}`,
    },
  ];
}

it("nothing secret is in Temporal, logs, errors, status or any command's output, whatever fails", async () => {
  database = inject('postgresService') === null ? null : await createDatabase();
  const url = database === null ? null : new URL(database.url);
  // The test server asks for no password: this one is there to be searched for.
  if (url !== null && url.password === '') url.password = PASSWORD;
  const env = { TIDEMARK_SECRET_KEY: KEYS.old, ...(url === null ? {} : { DATABASE_URL: url.href }) };
  rig = await Rig.open('secrets', { logLevel: 'trace', env });
  const said: Haystack[] = [];
  const codes: string[] = [];
  const tidemark = async (
    args: readonly string[],
    { env: more = {}, ...options }: Parameters<typeof command>[2] & { env?: NodeJS.ProcessEnv } = {},
  ) => {
    const result = await command(
      args,
      {
        ...rig.env,
        GOOGLE_AUTH_URL: `${gmailUrl}/o/oauth2/v2/auth`,
        GOOGLE_ADMIN_URL: gmailUrl,
        TIDEMARK_SECRET_KEY: KEYS.current,
        TIDEMARK_OLD_SECRET_KEYS: KEYS.old,
        ...more,
      },
      options,
    );
    said.push(result);
    return result;
  };
  const gmailUrl = rig.env['GMAIL_ROOT_URL'] ?? '';
  const file = (name: string, text: string): string => {
    const path = join(rig.folder, name);
    writeFileSync(path, text);
    return path;
  };

  Object.assign(rig.env, { TIDEMARK_SECRET_KEY: KEYS.current, TIDEMARK_OLD_SECRET_KEYS: KEYS.old });
  const worker = await rig.spawnWorker();
  const box = await rig.mailbox('secrets', { messages: 60, pollInterval: 500, format: 'full' });
  const robot = mailboxId(`robot-${process.pid}@example.com`);
  rig.simulator.addMailbox(robot).insert({ raw: planted(0), labelIds: ['INBOX'] });
  const label = box.gmail.createLabel(MAIL.label).id;
  const plant = (): { id: string } =>
    box.gmail.insert({ raw: planted(box.gmail.totals.messages), labelIds: ['INBOX', label] });
  for (let i = 0; i < 10; i++) plant();
  box.gmail.poison(plant().id, 400);
  box.gmail.poison(plant().id, 500);
  const grants = [rig.simulator.credentialsFor(box.id).refresh_token];
  const client = file('client.json', JSON.stringify(rig.simulator.clientFile()));
  const account = file('robot.json', SERVICE_ACCOUNT);

  // ── everything fails that can, and what is shown meanwhile is collected ──
  const lookUntil = (isOver: () => boolean | Promise<boolean>): Promise<true> =>
    eventually(30_000, async () => {
      const details = [(await box.handle.describe()).raw, await box.handle.query('__temporal_workflow_metadata')];
      said.push({ name: 'details while it runs', text: [...textsIn(details)].join('\n') });
      return (await isOver()) ? true : null;
    });
  const until = Date.now() + 2_000;
  for (const effect of [
    { kind: 'truncate' },
    { kind: 'reset' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 401 },
  ] as const) {
    rig.simulator.faults.add({ match: { email: box.id }, effect, probability: 0.15, until });
  }
  await box.start();
  await lookUntil(async () => Date.now() > until && (await box.report()).counts.stored > 0);
  await tidemark(['rotate-key']);
  const effect = { kind: 'retry-after', until: Date.now() + 1_000 } as const;
  const limit = rig.simulator.faults.add({ match: { email: box.id }, effect });
  plant();
  await box.client.poke(box.id);
  await lookUntil(() => Date.now() > effect.until && limit.strikes > 0);
  await tidemark(['connect-domain', '--admin', robot, '--credentials', account]);
  rig.simulator.directory.set(robot, { isAdmin: true });
  expect(await tidemark(['connect', robot, '--credentials', account])).toMatchObject({ code: 0 });
  expect(await tidemark(['start', robot, '--wait', '--json'])).toMatchObject({ code: 0 });
  rig.simulator.revoke(box.id);
  await box.client.poke(box.id);
  await box.reaches('needs-consent', 20_000);
  await tidemark(['login', box.id, '--client', client, '--no-browser']);
  expect(
    await tidemark(['login', box.id, '--client', client, '--no-browser', '--json'], { account: box.id, codes }),
  ).toMatchObject({ code: 0 });
  grants.push(rig.simulator.credentialsFor(box.id).refresh_token);
  await box.reaches('live', 30_000);
  // A recovery takes half a minute: the verbs are run beside it.
  box.gmail.expireHistory();
  plant();
  await box.client.poke(box.id);
  await box.reaches('recovering', 20_000);

  // ── every verb is run, and its output is collected ──
  const verbs: Readonly<Record<string, readonly (readonly string[])[] | 'elsewhere'>> = {
    migrate: [[]],
    worker: 'elsewhere',
    login: 'elsewhere',
    connect: [
      [box.id, '--credentials', file('broken.json', `{"refresh_token":"${grants[0]}",`)],
      [box.id, '--credentials', client],
    ],
    'connect-domain': [['--admin', robot, '--credentials', account, '--dry-run', '--json']],
    start: [[box.id], [box.id, '--label', MAIL.label, '--json']],
    configure: [[box.id, '--all-mail', '--json']],
    sync: [[box.id, '--json']],
    resync: [[box.id, '--json']],
    pause: [[box.id]],
    resume: [[box.id, '--json']],
    status: [[box.id], [box.id, '--json'], [robot, '--json']],
    failures: [[box.id], [box.id, '--json']],
    // A real audit takes ten seconds, and is tested elsewhere.
    audit: [['nobody@example.com', '--json']],
    list: [[], ['--json']],
    changes: [[box.id], [box.id, '--json']],
    'check-bodies': [[box.id], [box.id, '--json']],
    sweep: [[], ['--json']],
    push: 'elsewhere',
    // It shows only a secret that it has just made.
    'test-webhook': [['https://127.0.0.1/', '--json']],
    'rotate-key': [['--json']],
    'codec-server': 'elsewhere',
    'set-current-version': [['none', '--json']],
    stop: [[robot, '--json']],
    // These print mail or write credentials because that is their purpose.
    export: 'elsewhere',
    simulate: 'elsewhere',
  };
  const program = await wholeProgram();
  for (const verb of program.commands.map((known) => known.name())) {
    // A verb that is missing above is run as most are.
    const runs = verbs[verb] ?? [[box.id, '--json']];
    if (runs === 'elsewhere') continue;
    for (const args of runs) await tidemark([verb, ...args]);
    // Once more with each setting wrong in turn.
    for (const wrong of [
      { TIDEMARK_SECRET_KEY: KEYS.wrong, TIDEMARK_OLD_SECRET_KEYS: '' },
      { TIDEMARK_SECRET_KEY: `${KEYS.wrong}!`, DATABASE_URL: `mysql://me:${PASSWORD}@db/mail` },
      { DATABASE_URL: `postgres://me:${encodeURIComponent(PASSWORD)}@127.0.0.1:1/mail` },
    ]) {
      await tidemark([verb, ...(runs[0] ?? [])], { env: wrong });
    }
  }
  await tidemark(['codec-server', '--port', '0'], {
    env: { TIDEMARK_PAYLOAD_KEY: KEYS.payload },
    stopAfter: /Decrypting/,
  });
  await tidemark(['push', '--port', '0'], { env: { PUSH_SERVICE_ACCOUNT: 'push@example.iam.gserviceaccount.com' } });
  const robotBox = { handle: rig.tidemark.temporal.workflow.getHandle(`mailbox/${robot}`) };
  const held = await eventually(
    10_000,
    async () => {
      const texts = await temporalHolds(box, box.id);
      return texts.some(({ text }) => text.includes('partial sync')) ? texts : null;
    },
    () => 'no partial sync was seen',
  );
  held.push({ name: "the robot's history", text: [...textsIn(await robotBox.handle.fetchHistory())].join('\n') });
  await worker.end('SIGTERM');
  said.push({ name: 'the worker', text: `${worker.stdout}\n${worker.stderr}` });

  const tokens = [...rig.simulator.tokens];
  expect(tokens.length).toBeGreaterThan(1);
  expect(codes).toHaveLength(1);
  const credentials = {
    'a refresh token': grants,
    'an access token': tokens,
    'a code': codes,
    'the client secret': rig.simulator.clientFile().installed.client_secret,
    'a key': Object.values(KEYS),
    "a key's bytes": Object.values(KEYS).map((key) => Buffer.from(key, 'base64').toString('latin1')),
    "a service account's key": privateKey
      .split('\n')
      .filter((line) => line.length > 20 && !line.includes('PRIVATE KEY')),
    "the database's password": [
      PASSWORD,
      ...(url === null || url.password === '' ? [] : [decodeURIComponent(url.password)]),
    ],
  };
  const all = [...held, ...said];
  // Proves that the search finds what is there: the address in the texts, and the mail in the export.
  expect(findSecrets(all, { address: box.id }).length).toBeGreaterThan(10);
  const exported = await command(['export', box.id], { ...rig.env });
  expect(findSecrets([exported], { subject: MAIL.subject })).not.toEqual([]);
  const found = [...findSecrets([...all, exported], credentials), ...findSecrets(all, { mail: Object.values(MAIL) })];
  console.log(
    `${found.length} secrets found in ${all.length} texts of ` +
      `${Math.round(all.reduce((sum, { text }) => sum + text.length, 0) / 1_024)} KB`,
  );
  expect(found).toEqual([]);
}, 180_000);
