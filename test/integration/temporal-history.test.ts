import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, it } from 'vitest';

import { generateMail } from '../../src/simulator/generate.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { Rig } from './rig.ts';
import { payloadSizes, textsIn } from './texts.ts';

let rig: Rig;
afterEach(() => rig.close());

it("Temporal's history grows by at most an event per 100 messages of a backfill, and no payload is over 8 KB", async () => {
  rig = await Rig.open('history');
  await rig.startWorker();
  const box = await rig.mailbox('history', { pollInterval: DEFAULT_SETTINGS.pollInterval, format: 'full' });
  generateMail(box.gmail, { messages: 5_000, now: Date.now(), bodyBytes: 1_000 });
  const began = performance.now();
  await box.start();
  const { counts } = await box.exact(60_000);
  const seconds = (performance.now() - began) / 1_000;
  const runs = await box.runs();
  expect(runs).toHaveLength(1);
  const events = runs[0]?.history.events ?? [];
  const slices = new Set(events.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'fetchSlice').map(({ eventId }) => String(eventId)));
  const backfill = 1 + events.findLastIndex((event) => slices.has(String(event.activityTaskCompletedEventAttributes?.scheduledEventId)));
  const largest = Math.max(...payloadSizes(runs));
  console.log(`${backfill} events until ${counts.stored} messages were stored, ${events.length} until in sync after ${seconds.toFixed(1)} s; the largest payload has ${largest} bytes`);
  expect(backfill).toBeGreaterThan(0);
  expect(backfill).toBeLessThanOrEqual(counts.stored / 100);
  expect(largest).toBeLessThanOrEqual(8 * 1_024);
}, 90_000);

it('nothing private reaches Temporal or the log, whatever fails', async () => {
  rig = await Rig.open('private', { logLevel: 'trace' });
  const worker = await rig.spawnWorker();
  const box = await rig.mailbox('private', { messages: 60, pollInterval: 500 });
  const planted = ['Planted-Subject-7Q', 'planted body 8R', 'planted.sender.9S', 'Planted Label 0T'];
  const [subject = '', body = '', sender = '', label = ''] = planted;
  const plant = (): { id: string } =>
    box.gmail.insert({ raw: `From: ${sender}@example.com\r\nTo: ${sender}@example.org\r\nSubject: ${subject}\r\n\r\n${body}\r\n`, labelIds: ['INBOX', box.gmail.createLabel(`${label} ${box.gmail.totals.messages}`).id] });
  for (let i = 0; i < 10; i++) plant();
  box.gmail.poison(plant().id, 400);
  box.gmail.poison(plant().id, 500);
  const secrets = [JSON.stringify(rig.simulator.credentialsFor(box.id).refresh_token).slice(1, -1), rig.simulator.credentialsFor(box.id).client_secret];
  const seen: unknown[] = [];
  const look = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      seen.push((await box.handle.describe()).raw, await box.handle.query('__temporal_workflow_metadata'));
      await sleep(200);
    }
  };
  const until = Date.now() + 3_000;
  for (const effect of [{ kind: 'truncate' }, { kind: 'reset' }, { kind: 'status', status: 503 }] as const) rig.simulator.faults.add({ match: { email: box.id }, effect, probability: 0.2, until });
  await box.start();
  await look(20);
  rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'retry-after', until: Date.now() + 1_500 } });
  plant();
  await box.client.poke(box.id);
  await look(10);
  box.gmail.expireHistory();
  plant();
  await box.client.poke(box.id);
  await look(10);
  rig.simulator.revoke(box.id);
  await box.client.poke(box.id);
  await box.reaches('needs-consent', 20_000);
  await look(2);
  rig.simulator.grant(box.id);
  await box.connect();
  await box.client.reconnect(box.id);
  secrets.push(rig.simulator.credentialsFor(box.id).refresh_token);
  await box.reaches('live', 30_000);
  await look(2);
  await worker.end('SIGTERM');

  const tokens = [...rig.simulator.tokens];
  expect(tokens.length).toBeGreaterThan(1);
  const runs = await box.runs();
  const told = [...textsIn(runs), ...textsIn(seen), worker.stdout, worker.stderr].join('\n');
  // What is looked for would be found: ids are there, and counts.
  expect(told).toContain(box.id);
  expect(told).toContain('partial sync');
  for (const secret of [...planted, ...secrets, ...tokens]) expect(told.includes(secret), secret).toBe(false);
  expect(told).not.toContain(Buffer.from(subject).toString('base64url').slice(2, -2));
}, 90_000);
