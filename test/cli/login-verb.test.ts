import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { runCli } from '../../src/cli/run.ts';
import type { Clock } from '../../src/model/clock.ts';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { answerConsent } from '../fixtures/gmail/browser.ts';

const ADA = 'ada-login@example.com';
const BOB = 'bob-login@example.com';
const LINK = /^(http:\S+\/o\/oauth2\/v2\/auth\?\S+)$/m;

describe('tidemark login', () => {
  let dataDir: string;
  let simulator: Simulator;
  let server: SimulatorServer;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tidemark-login-'));
    simulator = new Simulator({ clock: systemClock });
    for (const email of [ADA, BOB]) simulator.addMailbox(email);
    server = await startSimulatorServer({ simulator, port: 0 });
    writeFileSync(join(dataDir, 'client.json'), JSON.stringify(simulator.clientFile()));
  });
  afterEach(async () => {
    await server.close();
    rmSync(dataDir, { recursive: true });
  });

  /** Runs one command; `link` resolves with the link that it asks a person to open. */
  function begin(
    args: readonly string[],
    { clock = systemClock, signal = new AbortController().signal }: { clock?: Clock; signal?: AbortSignal } = {},
  ) {
    let said = '';
    let printed = '';
    const link = Promise.withResolvers<string>();
    const stderr = new PassThrough().on('data', (text: Buffer) => {
      said += text.toString();
      const found = LINK.exec(said)?.[1];
      if (found !== undefined) link.resolve(found);
    });
    const stdout = new PassThrough().on('data', (text: Buffer) => {
      printed += text.toString();
    });
    const env = {
      HOME: dataDir,
      TIDEMARK_DATA_DIR: dataDir,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      GMAIL_ROOT_URL: server.url,
      GOOGLE_TOKEN_URL: `${server.url}/token`,
      GOOGLE_AUTH_URL: `${server.url}/o/oauth2/v2/auth`,
    };
    const ended = runCli(args, { env, stdout, stderr, clock, signal }).then((code) => ({
      code,
      stdout: printed,
      stderr: said,
    }));
    return { link: link.promise, ended };
  }
  const login = (...args: string[]) =>
    begin(['login', ...args, '--client', join(dataDir, 'client.json'), '--no-browser']);
  const run = (...args: string[]) => begin(args).ended;

  it('connects the mailbox once the person has agreed, and says so in the browser', async () => {
    const { link, ended } = login(ADA, '--json');
    const callback = await answerConsent(await link, { account: ADA });
    const page = await fetch(callback);
    expect(await page.text()).toContain(`${ADA} is connected`);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      mailbox: ADA,
      address: ADA,
      connected: true,
      scopes: ['https://www.googleapis.com/auth/gmail.readonly'],
      messagesTotal: 0,
      running: false,
      serverReached: true,
    });
    expect(`${stdout}${stderr}`).not.toContain(simulator.credentialsFor(ADA).refresh_token);
  });

  it('connects the chosen account without an e-mail, and asks only for the scope that the format needs', async () => {
    const { link, ended } = login('--format', 'metadata');
    const url = await link;
    expect(new URL(url).searchParams.get('scope')).toBe('https://www.googleapis.com/auth/gmail.metadata');
    await fetch(await answerConsent(url, { account: BOB }));
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`${BOB} is connected`) });
    // What the grant does not allow is refused before anything starts, with the remedy.
    const refused = await run('start', BOB, '--json');
    expect({ code: refused.code, ...(JSON.parse(refused.stderr) as object) }).toMatchObject({
      code: 'scope-missing',
      message: expect.stringMatching(
        /format full needs gmail.readonly.*tidemark login bob-login@example.com --client FILE/,
      ),
    });
    const searched = await run('start', BOB, '--format', 'metadata', '--after', '2026-01-01', '--json');
    expect(searched).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Gmail refuses searches \(q\).*--format full/),
    });
  });

  it('mends a grant in which gmail.metadata beside gmail.readonly bars bodies', async () => {
    const scopes = ['metadata', 'readonly'].map((name) => `https://www.googleapis.com/auth/gmail.${name}`);
    writeFileSync(join(dataDir, 'grant.json'), JSON.stringify(simulator.grant(ADA, { scopes })));
    expect(await run('connect', ADA, '--credentials', join(dataDir, 'grant.json'))).toMatchObject({ code: 0 });
    const refused = await run('start', ADA, '--json');
    expect({ code: refused.code, ...(JSON.parse(refused.stderr) as object) }).toMatchObject({
      code: 'scope-barred',
      message: expect.stringMatching(
        new RegExp(
          String.raw`under gmail.metadata Gmail refuses format full, whatever else was ` +
            String.raw`granted. Granting more does not help: .*"tidemark login ` +
            String.raw`ada-login@example.com --client FILE --format full" asks for gmail.readonly only`,
        ),
      ),
    });
    const { link, ended } = login(ADA, '--json');
    await fetch(await answerConsent(await link, { account: ADA }));
    expect(JSON.parse((await ended).stdout)).toMatchObject({ connected: true, scopes: [scopes[1]] });
  });

  it('refuses an account other than the named one, says so in the browser, and stores nothing', async () => {
    const { link, ended } = login(ADA, '--json');
    const page = await fetch(await answerConsent(await link, { account: BOB }));
    expect(await page.text()).toContain('Not connected');
    const { code, stderr } = await ended;
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('consent-wrong-account') });
    expect(await run('start', BOB)).toMatchObject({ code: 1, stderr: expect.stringContaining('is not connected') });
  });

  it('ignores stray requests to its port, and goes on waiting', async () => {
    const { link, ended } = login(ADA);
    const url = await link;
    const port = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
    for (const stray of ['/favicon.ico', '//', '/?code=stolen&state=forged', '/?error=access_denied'])
      expect((await fetch(`${port.origin}${stray}`)).status).toBe(404);
    const callback = await answerConsent(url, { account: ADA });
    expect((await fetch(callback, { method: 'POST' })).status).toBe(404);
    await fetch(callback);
    expect(await ended).toMatchObject({ code: 0 });
  });

  it('says that the person declined', async () => {
    const { link, ended } = login(ADA);
    expect(await (await fetch(await answerConsent(await link, 'deny'))).text()).toContain('declined');
    expect(await ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('declined') });
  });

  it('gives up after --timeout, and at once on Ctrl-C', async () => {
    const timeout = begin(['login', ADA, '--client', join(dataDir, 'client.json'), '--no-browser', '--timeout', '1s']);
    expect(await timeout.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Nobody answered') });
    const interrupted = new AbortController();
    const waiting = begin(['login', ADA, '--client', join(dataDir, 'client.json'), '--no-browser'], {
      signal: interrupted.signal,
    });
    await waiting.link;
    interrupted.abort(new Error('interrupted'));
    expect(await waiting.ended).toMatchObject({ code: 130 });
  });

  it('needs the file of an OAuth client', async () => {
    expect(await begin(['login', ADA]).ended).toMatchObject({ code: 2 });
    expect(await begin(['login', ADA, '--client', join(dataDir, 'none.json')]).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    });
    writeFileSync(join(dataDir, 'client.json'), JSON.stringify(simulator.credentialsFor(ADA)));
    expect(await login(ADA).ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not that of an OAuth client with a secret\. Create/),
    });
  });
});
