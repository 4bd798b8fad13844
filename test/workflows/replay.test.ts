import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type ReplayResult, type WorkflowBundleOption } from '@temporalio/worker';
import { expect, test } from 'vitest';

import { bundleWorkflows } from '../../src/temporal/bundle-workflows.ts';
import { changedWorkflowBundle, workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { UNHEARD_SINKS } from '../fixtures/temporal/unheard-sinks.ts';

const HISTORIES = fileURLToPath(new URL('../histories', import.meta.url));

/** Made by `node test/histories/record.ts`, a folder for each version. */
interface Recorded {
  readonly file: string;
  readonly workflowId: string;
  readonly events: readonly {
    readonly eventType: string;
    readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
    readonly workflowExecutionSignaledEventAttributes?: { readonly signalName: string };
  }[];
}

const recorded: Recorded[] = readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({ ...(JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')) as Omit<Recorded, 'file'>), file }));

async function replay(workflowBundle: WorkflowBundleOption): Promise<ReplayResult[]> {
  const histories = recorded.map(({ workflowId, events }) => ({ workflowId, history: historyFromJSON({ events }) }));
  const results: ReplayResult[] = [];
  for await (const result of Worker.runReplayHistories({ workflowBundle, sinks: UNHEARD_SINKS }, histories))
    results.push(result);
  return results;
}

test('the recorded histories hold what a mailbox meets in its life, over several runs', () => {
  const events = recorded.flatMap((run) => run.events);
  const types = new Set(events.map(({ eventType }) => eventType));
  const activities = new Set(events.map((event) => event.activityTaskScheduledEventAttributes?.activityType.name));
  expect([...activities]).toEqual(
    expect.arrayContaining(['openMailbox', 'fullSync', 'recover', 'fetchSlice', 'partialSync', 'stopWatch']),
  );
  const name = (type: string): string => `EVENT_TYPE_${type}`;
  const expected = [
    'WORKFLOW_EXECUTION_CONTINUED_AS_NEW',
    'WORKFLOW_EXECUTION_COMPLETED',
    'WORKFLOW_EXECUTION_SIGNALED',
    'WORKFLOW_EXECUTION_UPDATE_COMPLETED',
    'ACTIVITY_TASK_FAILED',
  ];
  expect([...types]).toEqual(expect.arrayContaining(expected.map(name)));
});

test('the recorded histories hold a mailbox that an older version blocked and a newer one lets ask by itself', () => {
  expect(patchesOf('v0.1.0-blocked')).toContain('ask-again');
});

test('the recorded histories hold blocked mailboxes that asked at other times than those of today', () => {
  expect(patchesOf('v0.1.0-asks')).toContain('ask-again');
  expect(patchesOf('v0.1.0-asks')).not.toContain('asks-a-day');
});

test('the recorded histories hold a mailbox of an older worker whose clock is hours ahead', () => {
  expect(patchesOf('v0.1.0-clock')).toContain('bounded-times');
});

test('the recorded histories hold a mailbox that keeps events for subscriptions', () => {
  expect(patchesOf('v0.1.0-events')).toContain('events');
});

test('the recorded histories hold a mailbox whose polls take a look', () => {
  expect(patchesOf('v0.1.0-look')).toContain('look');
});

/** The ids of the patches that the runs in a folder met. */
function patchesOf(folder: string): readonly string[] {
  const data = recorded
    .filter(({ file }) => file.startsWith(`${folder}/`))
    .flatMap((run) => [...JSON.stringify(run.events).matchAll(/"data":"([^"]*)"/g)]);
  return data.flatMap(
    ([, base64 = '']) => /^\{"id":"([a-z-]+)"/.exec(Buffer.from(base64, 'base64').toString())?.[1] ?? [],
  );
}

test('the recorded histories hold a mailbox that a plain client started and that moved to its new address', () => {
  const runs = recorded.filter(({ file }) => file.startsWith('v0.1.0-renamed'));
  expect(new Set(runs.map(({ workflowId }) => workflowId)).size).toBe(2);
  const signals = runs.flatMap(({ events }) =>
    events.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName),
  );
  expect(signals).toEqual(expect.arrayContaining(['configure', 'handOver', 'stop']));
});

test('every recorded history replays under the workflow of today', async () => {
  const results = await replay(await workflowBundle());
  expect(results).toHaveLength(recorded.length);
  expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
});

test('every recorded history replays with tracing switched on', async () => {
  const results = await replay(await bundleWorkflows({ traced: true }));
  expect(results).toHaveLength(recorded.length);
  expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
}, 90_000);

test('a workflow that was changed without a patch fails to replay every history', async () => {
  const results = await replay(await changedWorkflowBundle());
  expect(results.map(({ error }) => error?.name)).toEqual(recorded.map(() => 'DeterminismViolationError'));
});
