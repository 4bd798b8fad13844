import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { labelId } from '../../src/model/ids.ts';
import { System } from '../fixtures/system/system.ts';
import { tidemark } from '../fixtures/system/cli.ts';

describe('a change of settings', () => {
  let system: System;
  let email: string;

  beforeAll(async () => {
    system = await System.open('settings-change', { messages: 40 });
    email = system.mailbox;
    await system.startWorker();
    await tidemark(system.env, 'start', email, '--wait');
  }, 60_000);
  afterAll(() => system.close());

  const inInbox = async (): Promise<number> =>
    [...(await system.truth()).values()].filter((labels) => labels.split(',').includes('INBOX')).length;
  const visible = async (): Promise<number> =>
    [...(await system.truth()).values()].filter((labels) => !/\b(SPAM|TRASH)\b/.test(labels)).length;
  const settings = async () => (await system.tidemark.client.status(system.mailbox)).settings;

  it('is previewed by the library: which messages leave, which are fetched, and what that costs', async () => {
    const { client } = system.tidemark;
    const [all, inbox] = [await visible(), await inInbox()];
    expect(await client.previewSettings(system.mailbox, { scope: { labelIds: [labelId('INBOX')] } })).toMatchObject({
      lists: true,
      held: all,
      leaving: all - inbox,
      fetching: { messages: 0, certainty: 'exact' },
    });
    const raw = await client.previewSettings(system.mailbox, { format: 'raw' });
    expect(raw).toMatchObject({ leaving: 0, fetching: { messages: all, certainty: 'exact', units: all * 20 } });
    expect(await client.previewSettings(system.mailbox, { scope: { limit: 5 } })).toMatchObject({
      leaving: 0,
      fetching: { messages: 0 },
    });
    const wider = await client.previewSettings(system.mailbox, { scope: { includeSpamTrash: true } });
    expect(wider).toMatchObject({ leaving: 0, fetching: { messages: (await system.truth()).size - all } });
    expect(await client.previewSettings(system.mailbox, { pollInterval: 90_000 })).toMatchObject({
      lists: false,
      leaving: 0,
      fetching: { messages: 0 },
    });
  });

  it.each(['start', 'configure'])(
    'is refused by %s without --yes or a terminal when messages leave or are to fetch, with their number',
    async (verb) => {
      const before = await settings();
      const { code, stdout, stderr } = await tidemark(system.env, verb, email, '--label', 'INBOX');
      const [all, inbox] = [await visible(), await inInbox()];
      expect({ code, stdout, stderr }).toEqual({
        code: 1,
        stdout: '',
        stderr:
          `tidemark: ${email} was not changed. Of its mail, ${all - inbox} of ${all} messages leave. ` +
          `If that is meant, say so: tidemark ${verb} ${email} … --yes\n`,
      });
      expect(await settings()).toEqual(before);
      const json = await tidemark(system.env, verb, email, '--format', 'raw', '--json');
      expect(JSON.parse(json.stderr)).toMatchObject({
        code: 'not-confirmed',
        message: expect.stringMatching(/\d+ messages are to fetch \(at most [\d,]+ units in \d+ requests, about /),
      });
    },
  );

  it.each([
    ['a date in the future', ['--after', '2099-01-01'], 'is not there yet'],
    ['a label that does not exist', ['--label', 'Nothing of the kind'], 'has no label "Nothing of the kind"'],
  ])('is refused for %s even with --yes', async (_, options, words) => {
    const before = await settings();
    for (const verb of ['start', 'configure']) {
      const { code, stderr } = await tidemark(system.env, verb, email, ...options, '--yes');
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(words) });
    }
    expect(await settings()).toEqual(before);
  });

  it('is refused for a scope that would leave no message, even with --yes', async () => {
    const { id } = await system.control<{ id: string }>('labels', { name: 'Empty' });
    const before = await settings();
    const { code, stderr } = await tidemark(system.env, 'configure', email, '--label', 'Empty', '--yes');
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/all \d+ messages .* would leave/),
    });
    await expect(
      system.tidemark.client.start(system.mailbox, { scope: { labelIds: [labelId(id)] } }),
    ).rejects.toMatchObject({ code: 'settings-refused', reason: 'nothing-left' });
    await expect(
      system.tidemark.client.configure(system.mailbox, { scope: { labelIds: [labelId('Label_none')] } }),
    ).rejects.toMatchObject({ code: 'settings-refused', reason: 'unknown-label' });
    await expect(
      system.tidemark.client.configure(system.mailbox, { scope: { after: systemClock.now() + 60_000 } }),
    ).rejects.toMatchObject({ code: 'settings-refused', reason: 'after-in-future' });
    expect(await settings()).toEqual(before);
  });

  it.each([
    ['y', 0],
    ['n', 1],
  ])('is asked about at a terminal, and follows the answer "%s"', async (answer, code) => {
    const keyboard = Object.assign(new PassThrough(), { isTTY: true });
    const stdout = new PassThrough();
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const said = text(stderr);
    keyboard.end(`${answer}\n`);
    const label = answer === 'y' ? 'INBOX' : 'UNREAD';
    const { env } = system;
    const signal = new AbortController().signal;
    const ended = await runCli(['configure', email, '--label', label], {
      env,
      stdin: keyboard,
      stdout,
      stderr,
      clock: systemClock,
      signal,
    });
    stderr.end();
    expect(await said).toMatch(/messages leave.*Change the settings\? \[y\/N\] /s);
    expect(ended).toBe(code);
    await expect.poll(async () => (await settings())?.scope.labelIds, { timeout: 20_000 }).toEqual(['INBOX']);
  });

  it('is made with --yes, and start says what it changed', async () => {
    const changed = await tidemark(system.env, 'start', email, '--limit', '10', '--yes');
    expect(changed).toMatchObject({ code: 0, stdout: expect.stringContaining('its settings are now: full') });
    expect(changed.stdout).toContain('newest 10');
    await expect.poll(async () => (await settings())?.scope.limit, { timeout: 20_000 }).toBe(10);
    expect((await tidemark(system.env, 'start', email, '--limit', '10')).stdout).toBe(
      `${email} runs already with these settings, and none was changed; it was woken.\n`,
    );
    expect((await tidemark(system.env, 'start', email)).stdout).toBe(`${email} runs already; it was woken.\n`);
  });

  it('is not asked about when it neither removes nor fetches, like --audit-interval never', async () => {
    const changed = await tidemark(system.env, 'configure', email, '--audit-interval', 'never');
    expect(changed).toMatchObject({ code: 0, stdout: expect.stringContaining('no audits') });
    await expect.poll(async () => (await settings())?.auditInterval, { timeout: 20_000 }).toBeNull();
  });
});
