import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { METRICS } from '../../src/model/telemetry.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import { Program } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { PHASES } from '../../src/workflows/phase.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { ALERTS, DASHBOARD, metricsIn } from './deployed.ts';
import { scrape, total, type Sample } from './scrape.ts';

/** A worker in a process of its own, scraped as Prometheus would. */
describe('the metrics of a worker', () => {
  let rig: Rig;
  let box: TestMailbox;
  let metrics: string;
  let health: string;
  const samples = (): Promise<Sample[]> => scrape(metrics);

  beforeAll(async () => {
    rig = await Rig.open('metrics', { env: { METRICS_INTERVAL: '1s', HEALTH_ADDRESS: '127.0.0.1:0' } });
    // Temporal's exporter cannot pick a free port itself.
    await onFreePort(async (port) => {
      metrics = `127.0.0.1:${port}`;
      const worker = await rig.spawnWorker({ METRICS_ADDRESS: metrics });
      const [, address = ''] = await worker.says(/"address":"([^"]+)".*health is served/);
      health = `http://${address}`;
    });
    box = await rig.mailbox('metered', { messages: 120, format: 'full', pollInterval: 60_000 });
    // Five calls are rejected, single ones and some within batches: they cost nothing, and are repeated.
    rig.simulator.faults.add({
      match: { email: box.id, method: 'messages.list' },
      effect: { kind: 'status', status: 429 },
      times: 1,
    });
    rig.simulator.faults.add({
      match: { email: box.id, method: 'messages.get' },
      effect: { kind: 'status', status: 429 },
      times: 4,
    });
    await box.start();
    await box.exact(30_000);
  });
  afterAll(() => rig.close());

  it('come with a worker that is healthy and ready', async () => {
    for (const route of ['healthz', 'readyz']) expect((await fetch(`${health}/${route}`)).status, route).toBe(200);
  });

  it('count calls and quota units as Gmail does, by method, to the unit', async () => {
    const { methods } = rig.simulator.usage.of(box.id);
    const shown = await samples();
    expect(Object.keys(methods)).toEqual(
      expect.arrayContaining([
        'getProfile',
        'messages.list',
        'messages.get',
        'threads.get',
        'history.list',
        'labels.list',
      ]),
    );
    for (const [method, { calls, units, rejected }] of Object.entries(methods)) {
      const of = (name: string, outcome: string): number => total(shown, name, { method, outcome });
      expect({
        method,
        calls: of('tidemark_gmail_calls_total', 'successful'),
        units: of('tidemark_quota_units_total', 'used'),
        rejected: of('tidemark_gmail_calls_total', 'rejected'),
      }).toEqual({
        method,
        calls,
        units,
        rejected,
      });
    }
    expect(total(shown, 'tidemark_quota_units_total', { outcome: 'rejected' })).toBe(5 + 4 * 20);
  });

  it('count what was stored', async () => {
    const { counts } = await box.report();
    expect(total(await samples(), 'tidemark_messages_stored_total')).toBe(counts.stored);
  });

  it('count the changes of history', async () => {
    const before = await samples();
    // One message in twenty is generated with a star.
    const [first = '', second = ''] = box.gmail
      .truth()
      .flatMap(({ id, labelIds }) => (labelIds.includes('STARRED') ? [] : [id]));
    box.deliver('news');
    box.gmail.modify([first], { add: ['STARRED'] });
    box.gmail.delete(second);
    await box.client.sync(box.id, { wait: true });
    await box.exact(20_000);
    const after = await samples();
    const grown = (change: string): number =>
      total(after, 'tidemark_history_changes_total', { change }) -
      total(before, 'tidemark_history_changes_total', { change });
    expect({ added: grown('added'), relabelled: grown('relabelled'), deleted: grown('deleted') }).toEqual({
      added: 1,
      relabelled: 1,
      deleted: 1,
    });
  });

  it('time a notification until its mail is stored', async () => {
    const count = async (): Promise<number> => total(await samples(), 'tidemark_notification_lag_seconds_count');
    const before = await count();
    const sum = async (): Promise<number> => total(await samples(), 'tidemark_notification_lag_seconds_sum');
    const sumBefore = await sum();
    const latencyMs = rig.simulator.latencyMs;
    const slow = 2_000;
    onTestFinished(() => {
      rig.simulator.latencyMs = latencyMs;
    });
    rig.simulator.latencyMs = slow;
    const poked = performance.now();
    box.deliver('announced');
    await box.client.poke(box.id);
    await eventually(30_000, async () => ((await count()) === before + 1 ? true : null));
    const elapsed = (performance.now() - poked) / 1_000;
    const measured = (await sum()) - sumBefore;
    // History and the message: two calls, one after the other. The dates of answers tell the clocks to within a second.
    expect(measured).toBeGreaterThan(slow / 1_000);
    expect(measured).toBeLessThan(elapsed + 1);
  });

  it('time activities by how they ended, and name what failed', async () => {
    rig.simulator.revoke(box.id);
    await box.client.poke(box.id);
    await box.reaches('needs-consent', 30_000);
    const shown = await eventually(30_000, async () => {
      const now = await samples();
      return total(now, 'tidemark_activity_failures_total', { activity: 'partialSync', type: 'ConsentRevoked' }) === 1
        ? now
        : null;
    });
    for (const activity of ['openMailbox', 'fullSync', 'fetchSlice', 'partialSync']) {
      expect(
        total(shown, 'tidemark_activity_duration_seconds_count', { activity, outcome: 'completed' }),
        activity,
      ).toBeGreaterThan(0);
    }
    expect(
      total(shown, 'tidemark_activity_duration_seconds_count', { activity: 'partialSync', outcome: 'failed' }),
    ).toBe(1);
  });

  it('show mailboxes by phase, and what is left to fetch', async () => {
    // Other tests run mailboxes on the same server. On a busy machine counting takes long, and so does the pause after
    // it.
    await eventually(60_000, async () => {
      const now = await samples();
      const seen = total(now, 'tidemark_mailboxes', { phase: 'needs-consent' }) >= 1;
      return seen && total(now, 'tidemark_pending_messages') === 0 && total(now, 'tidemark_failed_messages') === 0
        ? true
        : null;
    });
    const shown = await samples();
    expect(
      new Set(shown.filter(({ name }) => name === 'tidemark_mailboxes').map(({ labels }) => labels['phase'])),
    ).toEqual(new Set(PHASES));
    for (const source of ['temporal', 'store']) {
      expect(Date.now() / 1_000 - total(shown, 'tidemark_observed_timestamp_seconds', { source })).toBeLessThan(60);
    }
  }, 90_000);

  it('hold every metric that the dashboard and the alerts ask for', async () => {
    const env = {
      ...rig.env,
      PUSH_AUDIENCE: 'https://push.example.com/push',
      PUSH_SERVICE_ACCOUNT: 'push@example.iam.gserviceaccount.com',
    };
    const { push, pushMetrics } = await onFreePort(async (port) => {
      const pushMetrics = `127.0.0.1:${port}`;
      const args = ['push', '--port', '0', '--host', '127.0.0.1'];
      const push = new Program('cli/main.ts', args, { ...env, METRICS_ADDRESS: pushMetrics });
      await push.says(/Listening at/);
      return { push, pushMetrics };
    });
    // The SDK shows a counter once it has counted. This workflow, which no worker knows, fails its task.
    const unknown = await rig.tidemark.temporal.workflow.start('no-such-workflow', {
      taskQueue: rig.config.taskQueue,
      workflowId: `metrics-unknown-${process.pid}`,
    });
    try {
      await eventually(20_000, async () =>
        (await samples()).some(({ name }) => name === 'temporal_workflow_task_execution_failed_total') ? true : null,
      );
      const names = new Set([...(await samples()), ...(await scrape(pushMetrics))].map(({ name }) => name));
      for (const asked of [...metricsIn(DASHBOARD), ...metricsIn(ALERTS)]) expect(names, asked).toContain(asked);
      // And every metric of ours is declared.
      const ours = [...names]
        .filter((name) => name.startsWith('tidemark_'))
        .map((name) => name.replace(/_(bucket|sum|count)$/, ''));
      expect(new Set(ours)).toEqual(new Set(Object.keys(METRICS)));
    } finally {
      await unknown.terminate();
      await push.end('SIGTERM');
    }
  }, 60_000);

  it("come beside the SDK's own", async () => {
    const names = new Set((await samples()).map(({ name }) => name));
    expect([...names]).toEqual(
      expect.arrayContaining([
        'temporal_workflow_task_queue_poll_succeed_total',
        'temporal_activity_execution_latency_seconds_count',
        'temporal_num_pollers',
      ]),
    );
  });
});
