import {
  ApplicationFailure,
  defaultFailureConverter,
  DefaultFailureConverter,
  defaultPayloadConverter,
  type FailureConverter,
  type Payload,
  type PayloadCodec,
} from '@temporalio/common';
import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';

import { conditionsNow, pendingFailures } from '../../src/client/pending-failures.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { SecretKeyError } from '../../src/secrets/secret-box.ts';
import type { Condition } from '../../src/store/rows/mailbox-row.ts';

const { PendingActivityInfo } = proto.temporal.api.workflow.v1;
const mailbox = mailboxId('ada@example.com');

const converterOf = (failureConverter: FailureConverter, payloadCodecs: PayloadCodec[] = []) => ({
  payloadConverter: defaultPayloadConverter,
  failureConverter,
  payloadCodecs,
});
const PLAIN = converterOf(defaultFailureConverter);

/** Turns every byte round, and back. */
const codec: PayloadCodec = {
  encode: async (payloads) => payloads.map(({ data }) => ({ data: turned(data) })),
  decode: async (payloads) =>
    payloads.map(({ data }) => ({ metadata: { encoding: Buffer.from('json/plain') }, data: turned(data) })),
};
const turned = (bytes: Payload['data']): Uint8Array => (bytes ?? new Uint8Array()).map((byte) => byte ^ 0xff);

const FULL = 'The database /mail.db could not be written: the disk is full; make room. Trying again';
const at = (seconds: number) => ({ seconds, nanos: 500_000_000 });

interface Tried {
  readonly activity?: string;
  readonly failure?: Error | null;
  readonly heartbeat?: object;
  /** When the attempt under way began and sent its last heartbeat, in seconds. */
  readonly startedAt?: number;
  readonly beatAt?: number;
}

function pending({ activity = 'partialSync', failure = null, heartbeat, startedAt, beatAt }: Tried) {
  return PendingActivityInfo.fromObject({
    activityType: { name: activity },
    attempt: failure === null ? 1 : 4,
    lastFailure: failure === null ? null : defaultFailureConverter.errorToFailure(failure, defaultPayloadConverter),
    lastAttemptCompleteTime: failure === null ? null : at(1_000),
    nextAttemptScheduleTime: failure === null ? null : at(1_060),
    ...(startedAt === undefined ? {} : { state: 'PENDING_ACTIVITY_STATE_STARTED', lastStartedTime: at(startedAt) }),
    ...(beatAt === undefined ? {} : { lastHeartbeatTime: at(beatAt) }),
    ...(heartbeat === undefined
      ? {}
      : { heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(heartbeat)] } }),
  });
}

const failuresOf = (...tried: Tried[]) => pendingFailures({ raw: { pendingActivities: tried.map(pending) } }, PLAIN);

describe('the failures of activities that are tried again', () => {
  it('are the condition of their lane, with what can be done, and since when the store could not be told', async () => {
    const failure = ApplicationFailure.create({
      type: 'StoreUnavailable',
      message: FULL,
      details: [{ kind: 'connect', mailbox }],
    });
    const heartbeat = { step: 'history', failingSince: 960_000 };
    expect(await failuresOf({ failure, heartbeat }, { activity: 'fetchSlice' })).toEqual({
      live: { kind: 'failing', message: FULL, remedy: { kind: 'connect', mailbox }, since: 960_000, until: null },
      backfill: null,
    });
    expect(await failuresOf({ activity: 'fetchSlice', failure, heartbeat: { step: 'listing' } })).toMatchObject({
      live: null,
      backfill: { message: FULL, since: 1_000_500 },
    });
  });

  it('are over once the next attempt has worked for a minute', async () => {
    const failure = ApplicationFailure.create({ type: 'StoreUnavailable', message: FULL });
    const attempt = { failure, startedAt: 1_002 };
    expect((await failuresOf({ ...attempt, beatAt: 1_060 })).live).toMatchObject({ message: FULL });
    expect((await failuresOf({ ...attempt, beatAt: 1_063 })).live).toBeNull();
  });

  it('say until when a refused call waits', async () => {
    const failure = ApplicationFailure.create({ type: 'RateLimited', message: 'the daily limit is reached' });
    expect((await failuresOf({ failure })).live).toEqual({
      kind: 'rate-limited',
      message: 'the daily limit is reached',
      since: 1_000_500,
      until: 1_060_500,
    });
  });

  it('are no condition when they are not of a mailbox’s work, or not Tidemark’s own', async () => {
    const failure = ApplicationFailure.create({ type: 'StoreUnavailable', message: FULL });
    const none = { live: null, backfill: null };
    for (const activity of ['deliver', 'noteEvents', 'toString', 'another'])
      expect(await failuresOf({ activity, failure })).toEqual(none);
    expect(await failuresOf({})).toEqual(none);
    expect(await failuresOf({ failure: new Error('a worker of another build') })).toEqual(none);
    expect(await pendingFailures({ raw: {} }, PLAIN)).toEqual(none);
  });

  it('are read when they are encrypted, and name their type when no key is at hand', async () => {
    const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
    const plain = failureConverter.errorToFailure(
      ApplicationFailure.create({ type: 'StoreUnavailable', message: FULL }),
      defaultPayloadConverter,
    );
    const [encodedAttributes] = await codec.encode([plain.encodedAttributes ?? {}]);
    const activityType = { name: 'partialSync' };
    const activity = { activityType, attempt: 2, lastFailure: { ...plain, encodedAttributes } };
    const raw = { pendingActivities: [PendingActivityInfo.fromObject(activity)] };
    expect((await pendingFailures({ raw }, converterOf(failureConverter, [codec]))).live?.message).toBe(FULL);
    const unread = 'StoreUnavailable, in words that cannot be read here';
    expect((await pendingFailures({ raw }, converterOf(failureConverter))).live?.message).toBe(unread);
    const withoutKey: PayloadCodec = {
      ...codec,
      decode: async () => {
        throw new SecretKeyError('The key 12ab is not at hand.');
      },
    };
    expect((await pendingFailures({ raw }, converterOf(failureConverter, [withoutKey]))).live).toMatchObject({
      kind: 'failing',
      message: `${unread}: The key 12ab is not at hand.`,
    });
  });
});

it('a condition of the store stays while Temporal says the same, and else gives way to the newer failure', () => {
  const of = (message: string, since: number): Condition => ({ kind: 'failing', message, since, until: null });
  const none = { live: null, backfill: null };
  const stored = { live: of('HTTP 503', 1), backfill: of('HTTP 500', 2) };
  expect(conditionsNow(stored, undefined)).toEqual(stored);
  expect(conditionsNow(stored, none)).toEqual(stored);
  expect(conditionsNow(none, stored)).toEqual(stored);
  expect(conditionsNow(stored, { live: of('HTTP 503', 9), backfill: of('the disk is full', 9) })).toEqual({
    live: of('HTTP 503', 1),
    backfill: of('the disk is full', 9),
  });
});
