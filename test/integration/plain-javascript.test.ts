import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDeliveries } from '../../src/app/open-deliveries.ts';
import { openTidemark } from '../../src/app/open-tidemark.ts';
import { changedConfig, loadConfig } from '../../src/config/config.ts';
import { definitionOf } from '../../src/deliveries/handler.ts';
import { createLog } from '../../src/host/log.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { openReader } from '../../src/reading/open-reader.ts';
import { openSimulator } from '../../src/simulator/open.ts';
import { startSimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { createWorker } from '../../src/worker.ts';
import { Rig } from '../fixtures/system/rig.ts';

const ADA = 'ada@example.com';
const URL = 'https://example.com/hooks';
const handle = (): void => undefined;

/** Calls a method as a program in plain JavaScript does, which no compiler stops. */
async function call(of: object, name: string, ...args: readonly unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(of, name);
  if (typeof method !== 'function') throw new Error(`there is no ${name}`);
  const result: unknown = await Reflect.apply(method, of, args);
  if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result)
    return call(result, 'next').then(() => result);
  return result;
}

/** A method, its arguments, and what the answer says. */
type Wrong = readonly [name: string, args: readonly unknown[], code: string, message: string];

const OF_CLIENT: readonly Wrong[] = [
  ['start', [undefined], 'invalid-id', 'undefined is not an e-mail address'],
  ['start', [5], 'invalid-id', '5 is not an e-mail address'],
  ['sync', [ADA, { wiat: true }], 'usage', 'sync takes no "wiat": it takes wait, signal, onNoWorker.'],
  ['sync', [ADA, true], 'usage', 'sync takes an object with wait, signal, onNoWorker.'],
  ['resync', [ADA, { wait: true, signal: 5_000 }], 'usage', 'The signal of resync is no AbortSignal.'],
  ['waitUntilInSync', [ADA, { timeout: 5_000 }], 'usage', 'waitUntilInSync takes no "timeout"'],
  ['failures', [ADA, { limit: 'ten' }], 'usage', 'limit is "ten": expected a whole number from 1.'],
  ['lacking', [ADA, { limit: 0 }], 'usage', 'limit is 0: expected a whole number from 1.'],
  ['resumeAll', [{ phases: ['broken'] }], 'usage', 'A phase is "broken": expected one of failed'],
  ['readChanges', [ADA, { after: '1-ab-3-' }], 'invalid-cursor', '"1-ab-3-" is not the sequence number of a change'],
  ['readChanges', [ADA, { after: -1 }], 'invalid-cursor', '-1 is not the sequence number of a change'],
  ['readChanges', [ADA, { limit: 1.5 }], 'usage', 'limit is 1.5: expected a whole number from 1.'],
];

const OF_READER: readonly Wrong[] = [
  ['mailbox', [undefined], 'invalid-id', 'undefined is not an e-mail address'],
  [
    'changes',
    [{ mailboxes: [ADA] }],
    'usage',
    'changes takes no "mailboxes": it takes mailbox, after, signal, follow.',
  ],
  ['changes', ['1-ab-3-'], 'usage', 'changes takes an object'],
  ['changes', [{ after: null }], 'invalid-cursor', 'null is not a cursor of the change feed. Leave "after" out'],
  ['changes', [{ after: 3 }], 'invalid-cursor', '3 is a sequence number, and each mailbox counts its own.'],
  ['changes', [{ mailbox: ADA, after: Number.NaN }], 'invalid-cursor', 'NaN is not the sequence number of a change'],
];

const OF_MAILBOX: readonly Wrong[] = [
  ['messages', [{ lable: 'INBOX' }], 'usage', 'messages takes no "lable"'],
  ['messages', [{ order: 'desc' }], 'usage', 'order is "desc": expected one of newest, oldest.'],
  ['messages', [{ after: '2026-01-01' }], 'usage', '"2026-01-01" is no time: give a date, or epoch milliseconds'],
  ['messages', ['INBOX'], 'usage', 'messages takes an object'],
];

const OF_DELIVERIES: readonly Wrong[] = [
  ['subscribe', ['crm'], 'invalid-subscription', 'The subscription crm takes an object'],
  ['subscribe', ['crm', { url: URL, filters: {} }], 'invalid-subscription', 'The subscription crm takes no "filters"'],
  ['subscribe', ['crm', { url: URL, filter: { label: ['x'] } }], 'invalid-subscription', 'takes no "label"'],
  ['subscribe', ['crm', { url: URL, filter: { kinds: 'gone' } }], 'invalid-subscription', '"kinds" that are no list'],
  ['subscribe', ['crm', { url: URL, filter: { subject: 5 } }], 'invalid-subscription', '"subject" that is no text'],
  ['subscribe', ['crm', { url: URL, beginning: 'first' }], 'invalid-subscription', 'beginning of crm is "first"'],
  ['subscribe', ['crm', { url: URL, order: 'strict' }], 'invalid-subscription', 'The order of crm is "strict"'],
  ['subscribe', ['crm', { url: URL, fields: ['body'] }], 'invalid-subscription', 'A payload has no field "body".'],
  ['subscribe', ['crm', { url: URL, secret: 'abc' }], 'invalid-subscription', 'The secret is an object'],
  ['parked', ['crm', { limit: Number.POSITIVE_INFINITY }], 'subscription-unknown', 'crm'],
  ['testWebhook', [], 'usage', 'testWebhook takes an object with url'],
];

describe('a program in plain JavaScript gets a clear error', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.open('plain-javascript');
  });
  afterAll(() => rig.close());

  it.each(OF_CLIENT)('from client.%s(%j)', async (name, args, code, message) => {
    const error = { code, message: expect.stringContaining(message) };
    await expect(call(rig.tidemark.client, name, ...args)).rejects.toMatchObject(error);
  });

  it.each(OF_READER)('from reader.%s(%j)', async (name, args, code, message) => {
    const error = { code, message: expect.stringContaining(message) };
    await expect(call(rig.tidemark.reader, name, ...args)).rejects.toMatchObject(error);
  });

  it.each(OF_MAILBOX)('from mailbox.%s(%j)', async (name, args, code, message) => {
    const error = { code, message: expect.stringContaining(message) };
    await expect(call(rig.tidemark.reader.mailbox(ADA), name, ...args)).rejects.toMatchObject(error);
  });

  it.each(OF_DELIVERIES)('from deliveries.%s(%j)', async (name, args, code, message) => {
    const error = { code, message: expect.stringContaining(message) };
    await expect(call(rig.tidemark.client.deliveries, name, ...args)).rejects.toMatchObject(error);
    expect(await rig.tidemark.client.deliveries.subscriptions()).toEqual([]);
  });

  it.each([
    [{}, 'takes one of after and since'],
    [{ after: 1, since: 5 }, 'takes one of after and since'],
    [undefined, 'replay takes an object'],
    [{ since: '2026-01-01' }, '"2026-01-01" is no time'],
  ])('from deliveries.replay("crm", %j)', async (from, message) => {
    const { store, client } = rig.tidemark;
    const definition = definitionOf('crm', { handle });
    await store.putSubscription({ definition, beginning: { kind: 'now' }, now: 0 });
    await expect(call(client.deliveries, 'replay', 'crm', from)).rejects.toThrow(message);
    await store.removeSubscription('crm');
  });

  it.each<readonly [handler: unknown, message: string]>([
    [{ handle, filters: {} }, 'The handler crm takes no "filters"'],
    [{ handle, filter: { kind: ['stored'] } }, 'The filter of crm takes no "kind"'],
    [{ handle, beginning: 'now' }, 'The beginning of crm is "now"'],
    [handle, 'The handler crm is a function: write { handle: … }.'],
  ])('about the handler %j', async (handler, message) => {
    await expect(call({ definitionOf }, 'definitionOf', 'crm', handler)).rejects.toMatchObject({
      code: 'invalid-subscription',
      message: expect.stringContaining(message),
    });
  });

  it('about unknown options, and may give an instance of a class as handler', async () => {
    const { config } = rig;
    for (const [opens, takes] of [
      [{ openTidemark }, 'config, clock, create, tokenProvider, temporal'],
      [{ openDeliveries }, 'config, clock'],
      [{ openReader }, 'database, bodies'],
    ] as const) {
      const [name = ''] = Object.keys(opens);
      await expect(call(opens, name, { confg: config })).rejects.toThrow(
        `${name} takes no "confg": it takes ${takes}.`,
      );
    }
    await expect(call({ openReader }, 'openReader', { database: 5 })).rejects.toThrow('The database is no URL');
    await expect(call({ changedConfig }, 'changedConfig', config, { taskQeue: 'x' })).rejects.toThrow('no "taskQeue"');
    class Crm {
      readonly count = 0;
      handle(): void {}
    }
    expect(definitionOf('crm', new Crm()).name).toBe('crm');
  });

  it.each<readonly [name: string, call: (config: object) => Promise<unknown>, message: string]>([
    ['openTidemark', () => call({ openTidemark }, 'openTidemark', { config: {} }), 'The config has no "dataDir"'],
    ['openDeliveries', () => call({ openDeliveries }, 'openDeliveries', { config: 5 }), 'The config has no "dataDir"'],
    ['createWorker', () => call({ createWorker }, 'createWorker', { config: {} }), 'The config has no "dataDir"'],
    ['changedConfig', () => call({ changedConfig }, 'changedConfig', {}, {}), 'The config has no "dataDir"'],
    [
      'a configuration that lacks a part',
      (config) => {
        const part = Object.fromEntries(Object.entries(config).filter(([name]) => name !== 'temporal'));
        return call({ openTidemark }, 'openTidemark', { config: part });
      },
      'The config has no "temporal"',
    ],
    ['loadConfig', () => call({ loadConfig }, 'loadConfig', { environment: {} }), 'loadConfig takes no "environment"'],
    ['the environment', () => call({ loadConfig }, 'loadConfig', { env: 5 }), 'env is 5: expected an object'],
    ['createLog', () => call({ createLog }, 'createLog', 'loud'), 'The level is "loud": expected one of fatal,'],
  ])('about a wrong configuration: %s', async (_, wrong, message) => {
    await expect(wrong(rig.config)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  const simulator = new Simulator({ clock: systemClock });
  const mailboxes = { emails: [ADA], messages: 1, mbox: null, port: 0 };
  it.each<readonly [name: string, call: () => Promise<unknown>, message: string]>([
    ['no clock', async () => Reflect.construct(Simulator, [{ clock: 5 }]), 'The clock of Simulator has no now, sleep'],
    ['a misspelt option', async () => Reflect.construct(Simulator, [{ clokc: systemClock }]), 'takes no "clokc"'],
    [
      'a server without a simulator',
      () => call({ startSimulatorServer }, 'startSimulatorServer', { simulator: {}, port: 0 }),
      'The simulator that startSimulatorServer was given is not a Simulator: give it a new Simulator.',
    ],
    [
      'a server without a port',
      () => call({ startSimulatorServer }, 'startSimulatorServer', { simulator, port: '8080' }),
      'port is "8080": expected a whole number',
    ],
    [
      'a served simulator without a clock',
      () => call({ openSimulator }, 'openSimulator', mailboxes),
      'The clock of openSimulator has no now',
    ],
    [
      'a misspelt option of a served simulator',
      () => call({ openSimulator }, 'openSimulator', { ...mailboxes, clock: systemClock, email: [ADA] }),
      'openSimulator takes no "email"',
    ],
  ])('about the simulator: %s', async (_, wrong, message) => {
    await expect(wrong()).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  it('about missing credentials, and about a closed connection', async () => {
    const tidemark = await openTidemark({ config: rig.config });
    const { accounts } = tidemark;
    await expect(call(accounts, 'connect', ADA)).rejects.toThrow('connect takes an object with credentials, verify.');
    await expect(call(accounts, 'completeConsent', { callback: URL })).rejects.toThrow('takes no "callback"');
    await tidemark.close();
    await expect(tidemark.client.sync(ADA)).rejects.toMatchObject({
      code: 'temporal-failure',
      message: 'The connection to Temporal was closed.',
    });
  });
});
