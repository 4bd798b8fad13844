import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { interceptors } from '../../src/workflows/tracing/trace-per-run.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { Collector, type ReceivedSpan } from './collector.ts';

/** A command line and a worker, each in a process of its own, that send their traces to a collector. */
describe('a trace', () => {
  let collector: Collector;
  let rig: Rig;
  let box: TestMailbox;

  const tidemark = async (...args: string[]): Promise<void> => {
    const ended = await new Program('cli/main.ts', args, rig.env).ended;
    expect(ended).toMatchObject({ code: 0 });
  };
  const named = (name: string): ReceivedSpan[] => collector.spans.filter((span) => span.name === name);

  beforeAll(async () => {
    collector = await Collector.start();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_SERVICE_NAME: 'tidemark-test',
    };
    rig = await Rig.open('tracing', { env });
    await rig.spawnWorker();
    box = await rig.mailbox('traced', { messages: 60, format: 'full', pollInterval: 60_000 });
    box.deliver('a very private subject');
    rig.simulator.faults.add({
      match: { email: box.id, method: 'messages.list' },
      effect: { kind: 'status', status: 429 },
      times: 1,
    });
    await tidemark('start', box.id);
    await box.exact(30_000);
    await tidemark('stop', box.id);
    // The span of a workflow's run ends with the run, so the mailbox was stopped.
    await eventually(30_000, async () =>
      named('RunWorkflow:mailbox').length > 0 && named('RunActivity:fetchSlice').length > 0 ? true : null,
    );
  });
  afterAll(async () => {
    await rig.close();
    await collector.close();
  });

  it('spans client, workflow, activity and the calls to Gmail', () => {
    const [batch] = named('gmail batch');
    expect(batch === undefined ? [] : collector.pathOf(batch)).toEqual([
      'gmail batch',
      'RunActivity:fetchSlice',
      'StartActivity:fetchSlice',
      'RunWorkflow:mailbox',
      'SignalWithStartWorkflow:mailbox',
    ]);
  });

  it('names method, units, size and outcome of a call', () => {
    const [batch] = named('gmail batch');
    expect(batch?.attributes).toEqual({
      'tidemark.mailbox': box.id,
      'tidemark.lane': 'backfill',
      'gmail.method': 'batch',
      'gmail.format': 'full',
      'gmail.calls': expect.any(Number),
      'gmail.units': expect.any(Number),
      'gmail.outcome': 'answered',
      'gmail.rejected': 0,
    });
    expect(batch?.service).toBe('tidemark-test');
    const listings = named('gmail messages.list').map(({ attributes }) => [
      attributes['gmail.outcome'],
      attributes['gmail.rejected'],
      attributes['gmail.units'],
    ]);
    expect(listings).toEqual(
      expect.arrayContaining([
        ['rate-limited', 1, 5],
        ['answered', 0, 5],
      ]),
    );
  });

  it('adds up to the units that Gmail counted', () => {
    const spent = collector.spans
      .filter(({ attributes }) => attributes['gmail.outcome'] === 'answered')
      .reduce((sum, { attributes }) => sum + Number(attributes['gmail.units']), 0);
    expect(spent).toBe(rig.simulator.usage.of(box.id).units);
  });

  it('holds no mail, no id of mail and no token', () => {
    const all = collector.bodies.join('\n');
    expect(all).toContain('gmail.units');
    expect(all).not.toContain('private subject');
    for (const id of box.ids()) expect(all).not.toContain(id);
    expect(rig.simulator.tokens.size).toBeGreaterThan(0);
    for (const token of rig.simulator.tokens) expect(all).not.toContain(token);
    expect(all).not.toContain('Bearer');
  });
});

describe('tracing', () => {
  it('is sent as protobuf unless JSON is asked for', async () => {
    const collector = await Collector.start();
    const rig = await Rig.open('tracing-protobuf', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    try {
      const ended = await new Program('cli/main.ts', ['status', `nobody-${process.pid}@example.com`], rig.env).ended;
      expect(ended.code).toBe(1);
      expect([...collector.contentTypes]).toEqual(['application/x-protobuf']);
      expect(collector.bodies.join('')).toContain('DescribeWorkflow');
    } finally {
      await rig.close();
      await collector.close();
    }
  });

  it('makes no command fail when no collector answers', async () => {
    const rig = await Rig.open('tracing-nobody', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } });
    try {
      const ended = await new Program('cli/main.ts', ['list'], rig.env).ended;
      expect(ended).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await rig.close();
    }
  });

  it('does not hand the trace on to the next run of a mailbox', async () => {
    const [outbound] = interceptors().outbound ?? [];
    const seen = Promise.withResolvers<object>();
    const input = { args: [], headers: { '_tracer-data': {}, other: {} }, options: { workflowType: 'mailbox' } };
    void outbound?.continueAsNew?.(input, async ({ headers }) => {
      seen.resolve(headers);
      return new Promise<never>(() => undefined);
    });
    expect(await seen.promise).toEqual({ other: {} });
  });
});
