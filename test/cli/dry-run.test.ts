import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { listScope } from '../../src/accounts/list-scope.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { System } from '../fixtures/system/system.ts';
import { tidemark } from '../fixtures/system/cli.ts';

describe('tidemark start --dry-run', () => {
  let system: System;

  beforeAll(async () => {
    system = await System.open('dry-run', { messages: 60 });
  }, 60_000);
  afterAll(() => system.close());

  /** An environment whose price file has these prices of a thousand requests. */
  const pricedAt = (per1000: Readonly<Record<string, number>>): NodeJS.ProcessEnv => {
    const file = join(system.env['HOME'] ?? '', 'prices.json');
    writeFileSync(file, JSON.stringify({ requestPrices: { currency: 'EUR', per1000 } }));
    return { ...system.env, GMAIL_PRICES_FILE: file };
  };

  const json = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const { code, stdout, stderr } = await tidemark(env, ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  const fetches = async () => {
    type Counts = Partial<Record<string, { calls: number; units: number }>>;
    const { users } = await system.report<{ users: Record<string, { methods: Counts }> }>('usage');
    const gets = ['messages.get', 'threads.get'].map((method) => users[system.mailbox]?.methods[method]);
    const sum = (figure: 'calls' | 'units') => gets.reduce((total, counts) => total + (counts?.[figure] ?? 0), 0);
    return { units: sum('units'), requests: sum('calls') };
  };

  it('says what a first sync would fetch, and starts nothing', async () => {
    const { code, stdout } = await tidemark(system.env, 'start', system.mailbox, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^Nothing was started. The first sync of ${system.mailbox} would fetch:\n` +
          String.raw`  messages +\d+ in \d+ conversations\n  units +[\d,]+\n  requests +\d+\n  time +about .* rate\n` +
          String.raw`Listing its ids took \d calls? of messages.list; the sync lists them again.\n$`,
      ),
    );
    expect(await fetches(), 'no message was read').toEqual({ units: 0, requests: 0 });
    await expect(system.tidemark.client.status(system.mailbox)).rejects.toThrow('no mail of it is stored');
  });

  it('waits while Gmail refuses a page of the listing, and goes on', async () => {
    for (const status of [429, 503])
      await fetch(`${system.config.gmailRootUrl}/simulator/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ match: { method: 'messages.list' }, effect: { kind: 'status', status }, times: 1 }),
      });
    const { config, tidemark: stores, mailbox } = system;
    const listed = await listScope({ config, stores, mailbox, clock: hurriedClock, settings: DEFAULT_SETTINGS });
    expect(listed?.messages).toBe((await json(system.env, 'start', mailbox, '--dry-run')).first.messages);
  });

  it('names the cost of the requests when the price file has their price', async () => {
    const priced = pricedAt({ 'messages.get': 0.5, 'threads.get': 0.5 });
    const { stdout } = await tidemark(priced, 'start', system.mailbox, '--dry-run');
    expect(stdout).toMatch(/\n {2}cost +EUR 0\.0\d+ before the daily free allowance\n/);
  });

  it('spends the least money where requests cost some, even with more units', async () => {
    const plain = await json(system.env, 'start', system.mailbox, '--dry-run');
    const priced = pricedAt({ 'messages.get': 2, 'threads.get': 0.5 });
    const { first } = await json(priced, 'start', system.mailbox, '--dry-run');
    expect(first.messages).toBe(plain.first.messages);
    // Each conversation by one request, also one of a single message, which costs twice the units that way.
    expect(first.requests).toBeLessThan(plain.first.requests);
    expect(first.units).toBeGreaterThan(plain.first.units);
    expect(first.money).toEqual({ currency: 'EUR', amount: expect.closeTo(first.requests * 0.0005, 9) });
  });

  it('foretells what the sync then costs, and says that nothing is left to fetch after it', async () => {
    const { first } = await json(system.env, 'start', system.mailbox, '--dry-run');
    await system.startWorker();
    await tidemark(system.env, 'start', system.mailbox, '--wait');
    expect(await fetches()).toEqual({ units: first.units, requests: first.requests });
    const { stdout } = await tidemark(system.env, 'start', system.mailbox, '--dry-run');
    expect(stdout).toBe(
      `Nothing was changed. ${system.mailbox} was started before. ` +
        'These settings neither remove nor fetch anything.\n',
    );
    const raw = await tidemark(system.env, 'start', system.mailbox, '--dry-run', '--format', 'raw');
    expect(raw.stdout).toMatch(
      /^Nothing was changed\. .* to fetch \(at most [\d,]+ units in \d+ requests, about .*\)\.\n$/,
    );
  }, 60_000);
});
