import { randomBytes } from 'node:crypto';

import { afterEach, expect, it } from 'vitest';

import { Rig } from '../fixtures/system/rig.ts';

let rig: Rig;
afterEach(() => rig.close());

/**
 * What no codec gets: search attributes, which the server must read, and the markers of patches, which hold the name
 * of a change of our code.
 */
const PLAIN = new Set(['searchAttributes', 'indexedFields', 'markerRecordedEventAttributes']);

/** Every other payload in a value. */
function* payloadsIn(value: unknown): Generator<{ metadata: Record<string, Uint8Array>; data: Uint8Array }> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array)
    yield value as { metadata: Record<string, Uint8Array>; data: Uint8Array };
  for (const [name, inner] of Object.entries(value)) if (!PLAIN.has(name)) yield* payloadsIn(inner);
}

it('with a payload key, a mailbox works, and Temporal shows only ids, types and search attributes', async () => {
  rig = await Rig.open('encrypted', { env: { TIDEMARK_PAYLOAD_KEY: randomBytes(32).toString('base64') } });
  await rig.startWorker();
  const box = await rig.mailbox('encrypted', { messages: 40 });
  await box.start();
  await box.exact(30_000);
  box.deliver('one more');
  await box.client.sync(box.id, { wait: true });
  await box.client.configure(box.id, { pollInterval: 1_000 });
  // A failure crosses from an activity to the workflow, and its message reaches the operator.
  rig.simulator.revoke(box.id);
  await box.client.poke(box.id);
  expect((await box.reaches('needs-consent', 20_000)).lastError?.message).toContain(
    'no longer accepts the credentials',
  );
  expect(await box.isFoundAs('needs-consent')).toBe(true);

  const runs = await box.runs();
  const description = (await box.handle.describe()).raw;
  const payloads = [...payloadsIn(runs), ...payloadsIn(description)];
  expect(payloads.length).toBeGreaterThan(20);
  for (const { metadata, data } of payloads) {
    expect(Buffer.from(metadata['encoding'] ?? []).toString()).toBe('binary/encrypted');
    expect(Buffer.from(data).toString('latin1')).not.toContain('example.com');
  }
  const failures = runs.flatMap(({ history }) =>
    (history.events ?? []).flatMap((event) => event.activityTaskFailedEventAttributes?.failure ?? []),
  );
  expect(failures.length).toBeGreaterThan(0);
  for (const failure of failures) expect(failure).toMatchObject({ message: 'Encoded failure', stackTrace: '' });
  expect(await box.workflowFailures()).toEqual([]);
}, 90_000);
