import { afterEach, expect, it } from 'vitest';

import { generateMail } from '../../src/simulator/generate.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { payloadSizes } from './texts.ts';

let rig: Rig;
afterEach(() => rig.close());

it("A backfill adds at most one event per 100 messages to Temporal's history, and no payload over 8 KB", async () => {
  rig = await Rig.open('history');
  await rig.startWorker();
  const box = await rig.mailbox('history', { pollInterval: DEFAULT_SETTINGS.pollInterval, format: 'full' });
  generateMail(box.gmail, { messages: 8_000, now: Date.now(), bodyBytes: 300 });
  const began = performance.now();
  await box.start();
  const { counts } = await box.exact(60_000);
  const seconds = (performance.now() - began) / 1_000;
  const runs = await box.runs();
  expect(runs).toHaveLength(1);
  const events = runs[0]?.history.events ?? [];
  const slices = new Set(
    events
      .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'fetchSlice')
      .map(({ eventId }) => String(eventId)),
  );
  const backfill =
    1 +
    events.findLastIndex((event) => slices.has(String(event.activityTaskCompletedEventAttributes?.scheduledEventId)));
  const largest = Math.max(...payloadSizes(runs));
  console.log(
    `${backfill} events until ${counts.stored} messages were stored, ` +
      `${events.length} until in sync after ${seconds.toFixed(1)} s; the largest payload has ${largest} bytes`,
  );
  expect(backfill).toBeGreaterThan(0);
  expect(backfill).toBeLessThanOrEqual(counts.stored / 100);
  expect(largest).toBeLessThanOrEqual(8 * 1_024);
}, 90_000);
