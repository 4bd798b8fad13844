import { describe, expect, it } from 'vitest';

import { noTelemetry, type Telemetry } from '../../src/model/telemetry.ts';
import { observeMailboxes, type ObservationOptions } from '../../src/telemetry/observe.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';

const START = Date.UTC(2026, 10, 22, 9);

/** Observes for this long. @returns the last value of each gauge, and the sources that failed */
async function observed(
  milliseconds: number,
  options: Partial<ObservationOptions>,
): Promise<{ gauges: Record<string, number>; failures: string[] }> {
  const clock = createVirtualClock({ start: START });
  const gauges: Record<string, number> = {};
  const failures: string[] = [];
  const telemetry: Telemetry = {
    ...noTelemetry,
    set: (name, value, labels) => void (gauges[[name, ...Object.values(labels)].join(' ')] = value),
  };
  const ended = new AbortController();
  const observation = observeMailboxes({
    telemetry,
    clock,
    interval: 15_000,
    countPhases: async () => new Map([['live', 3]]),
    countWork: async () => ({ pending: 5, failed: 1, doubted: 2 }),
    onFailure: (source) => failures.push(source),
    signal: ended.signal,
    ...options,
  });
  await clock.advance(milliseconds);
  ended.abort();
  await observation;
  expect(clock.sleepers()).toBe(0);
  return { gauges, failures };
}

describe('the count of mailboxes and messages', () => {
  it('is made at once, and again after each interval', async () => {
    let counts = 0;
    const countWork = async () => ({ pending: ++counts, failed: 0, doubted: 1 });
    const { gauges } = await observed(31_000, { countWork });
    expect(counts).toBe(3);
    expect(gauges).toEqual({
      'tidemark_mailboxes live': 3,
      tidemark_pending_messages: 3,
      tidemark_failed_messages: 0,
      tidemark_doubted_mailboxes: 1,
      'tidemark_observed_timestamp_seconds temporal': (START + 30_000) / 1_000,
      'tidemark_observed_timestamp_seconds store': (START + 30_000) / 1_000,
    });
  });

  it('goes on when one source fails, whose timestamp is then not set', async () => {
    const { gauges, failures } = await observed(31_000, {
      countPhases: () => Promise.reject(new Error('14 UNAVAILABLE')),
    });
    expect(failures).toEqual(['temporal', 'temporal', 'temporal']);
    expect(gauges).toMatchObject({
      tidemark_pending_messages: 5,
      'tidemark_observed_timestamp_seconds store': (START + 30_000) / 1_000,
    });
    expect(gauges).not.toHaveProperty(['tidemark_observed_timestamp_seconds temporal']);
  });

  it('takes at most a fiftieth of the time, however slow the store is', async () => {
    const clock = createVirtualClock({ start: START });
    let counts = 0;
    const countWork = async () => {
      counts += 1;
      await clock.sleep(2_000);
      return { pending: 0, failed: 0, doubted: 0 };
    };
    const ended = new AbortController();
    const options = {
      telemetry: noTelemetry,
      clock,
      interval: 15_000,
      countPhases: async () => new Map(),
      countWork,
      onFailure: () => undefined,
      signal: ended.signal,
    };
    const observation = observeMailboxes(options);
    await clock.advance(310_000);
    ended.abort();
    await observation;
    expect(counts).toBe(4);
  });
});
