import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { runHere, start, type Snippet } from '../fixtures/docs/snippets.ts';
import { answerConsent } from '../fixtures/gmail/browser.ts';
import { providedToken } from '../fixtures/gmail/provided-token.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import type { Printing } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';

const lasting = runHere.filter(({ note }) => note === 'keeps running');
/** The programs that this file tests, by page and heading. */
const TESTED = [
  "consent.md#A product's own customers",
  'consent.md#Tokens that your product keeps',
  'deliveries.md#Events',
  'deliveries.md#Handlers',
  'feed.md#',
];

it('this file tests every program of the pages that keeps running', () => {
  expect(lasting.map(({ page, heading }) => `${page}#${heading}`).sort()).toEqual(TESTED);
});

function snippet(page: string, heading: string): Snippet {
  const found = lasting.find((each) => each.page === page && each.heading === heading);
  if (found === undefined) throw new Error(`${page} has no program under "${heading}"`);
  return found;
}

describe('a program of the pages that keeps running', () => {
  let folder: string;
  let rig: Rig;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-snippets-'));
    mkdirSync(join(folder, '.tidemark'));
    rig = await Rig.open('lasting', { env: { TIDEMARK_DATA_DIR: join(folder, '.tidemark'), LOG_LEVEL: 'warn' } });
  });
  afterEach(async () => {
    await rig.close();
    rmSync(folder, { recursive: true });
  });

  const inSync = (name: string) => rig.inSync(name, { messages: 10, format: 'full' }, 30_000);

  function leaveRunning(
    program: Snippet,
    { here, env = {} }: { here?: (code: string) => string; env?: NodeJS.ProcessEnv } = {},
  ): Printing {
    const running = start(program, { folder, env: { ...rig.env, ...env }, ...(here === undefined ? {} : { here }) });
    onTestFinished(async () => {
      await running.end('SIGKILL');
    });
    return running;
  }

  it('deliveries.md: a handler is called with new mail from one sender, and not from another', async () => {
    await rig.startWorker(createLog('silent'), hurriedClock);
    const box = await inSync('handled');
    const program = leaveRunning(snippet('deliveries.md', 'Handlers'));
    await eventually(30_000, async () => ((await rig.tidemark.client.deliveries.subscriptions())[0] ? true : null));
    const arrives = (from: string, subject: string) =>
      box.gmail.insert({ raw: `From: ${from}\r\nSubject: ${subject}\r\n\r\nhello\r\n`, labelIds: ['INBOX'] });
    arrives('spam@example.com', 'a bargain');
    arrives('eve@customer.example', 'an order');
    await box.client.sync(box.id, { wait: true });
    await program.says(new RegExp(`^${box.id} { subject: 'an order' }$`, 'm'));
    expect(program.stdout).not.toContain('bargain');
  }, 90_000);

  it('deliveries.md: a handler gets the events of a mailbox that is in sync, and then needs consent', async () => {
    await rig.startWorker(createLog('silent'), hurriedClock);
    const box = await inSync('told');
    const program = leaveRunning(snippet('deliveries.md', 'Events'));
    await eventually(30_000, async () => ((await rig.tidemark.client.deliveries.subscriptions())[0] ? true : null));
    await box.client.resync(box.id, { wait: true });
    await program.says(new RegExp(`^${box.id} is complete$`, 'm'));
    rig.simulator.revoke(box.id);
    await box.client.poke(box.id);
    const [, reason] = await program.says(new RegExp(`^write to the owner of ${box.id}: (.+)$`, 'm'));
    expect(reason).toContain('Google');
  }, 90_000);

  it('feed.md: a follower of the feed that is restarted goes on after the last change that it read', async () => {
    await rig.startWorker(createLog('silent'), hurriedClock);
    const box = await inSync('followed');
    const first = leaveRunning(snippet('feed.md', ''));
    const { id } = box.deliver('hello');
    await box.client.sync(box.id, { wait: true });
    await first.says(new RegExp(`^${box.id} stored ${id}$`, 'm'));
    await eventually(30_000, async () =>
      readFileSync(join(folder, 'cursor'), 'utf8') === (await rig.tidemark.reader.endOfChanges()) ? true : null,
    );
    await first.end('SIGKILL');
    const later = box.deliver('hello again');
    await box.client.sync(box.id, { wait: true });
    const second = leaveRunning(snippet('feed.md', ''));
    await second.says(new RegExp(`^${box.id} stored ${later.id}$`, 'm'));
    expect(second.stdout).not.toContain(` ${id}\n`);
  }, 90_000);

  it('consent.md: a customer who consents in the browser gets a running mailbox', async () => {
    await rig.startWorker(createLog('silent'), hurriedClock);
    const address = `consents-${process.pid}@example.com`;
    rig.simulator.addMailbox(address);
    writeFileSync(join(folder, 'client.json'), JSON.stringify(rig.simulator.clientFile()));
    const env = { GOOGLE_AUTH_URL: `${rig.config.gmailRootUrl}/o/oauth2/v2/auth` };
    const url = await onFreePort(async (port) => {
      const here = (code: string): string => code.replaceAll('3000', String(port));
      const program = leaveRunning(snippet('consent.md', "A product's own customers"), { here, env });
      const [, opened = ''] = await program.says(/^open (\S+)$/m);
      return opened;
    });
    const begun = await fetch(url, { redirect: 'manual' });
    const [cookie = ''] = (begun.headers.get('set-cookie') ?? '').split(';');
    const callback = await answerConsent(begun.headers.get('location') ?? '', { account: address });
    expect((await fetch(callback)).status).toBe(400);
    const answered = await fetch(callback, { headers: { cookie } });
    expect(await answered.text()).toBe(`${address} is connected.`);
    expect(await rig.tidemark.client.waitUntilInSync(address)).toMatchObject({ phase: 'live' });
    await rig.tidemark.client.stop(address);
  }, 90_000);

  it("consent.md: a mailbox is read with the tokens of the product's vault", async () => {
    const box = await rig.mailbox('vault', { messages: 10, format: 'full' });
    await rig.tidemark.credentials.delete(box.id);
    const asked: string[] = [];
    const vault = createServer((request, response) => {
      asked.push(request.url ?? '');
      void providedToken(rig, box.id).then((token) => response.end(JSON.stringify(token)));
    }).listen(0, '127.0.0.1');
    await once(vault, 'listening');
    onTestFinished(() => void vault.close());
    const address = vault.address();
    const port = typeof address === 'object' ? address?.port : null;
    const here = (code: string): string =>
      code.replaceAll('https://vault.example', `http://127.0.0.1:${port}`).replaceAll('ada@example.com', box.id);
    leaveRunning(snippet('consent.md', 'Tokens that your product keeps'), { here });
    await eventually(60_000, async () => {
      const last = await rig.tidemark.client.lastRun(box.id);
      return last === 'running' ? last : null;
    });
    await rig.tidemark.client.waitUntilInSync(box.id);
    expect(await box.differences()).toEqual([]);
    expect(asked[0]).toBe(`/google/${box.id}?renew=false`);
  }, 120_000);
});
