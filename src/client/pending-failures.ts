import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { ApplicationFailure, type Payload } from '@temporalio/common';

import { failingSinceIn } from '../model/failing-since.ts';
import { FAILURE_TYPES } from '../model/failure-type.ts';
import { LANE_OF_ACTIVITY, type Lane } from '../model/lane.ts';
import { remedyOfFailure } from '../model/remedy-of-failure.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import { CONDITION_KINDS } from '../store/rows/condition-kinds.ts';
import type { Condition, Conditions } from '../store/rows/mailbox-row.ts';

type Described = Pick<WorkflowExecutionDescription['raw'], 'pendingActivities'>;
type PendingActivity = NonNullable<Described['pendingActivities']>[number];
type DataConverter = Client['options']['loadedDataConverter'];
type Failure = NonNullable<PendingActivity['lastFailure']>;

/**
 * What keeps the lanes from their work, as Temporal knows it: the failure of each activity that is tried again. A
 * store that cannot be written holds no condition, so that its own failure shows only here.
 */
export async function pendingFailures(
  { raw }: { readonly raw: Described },
  converter: DataConverter,
): Promise<Conditions> {
  const failing: Record<Lane, Condition | null> = { live: null, backfill: null };
  for (const activity of raw.pendingActivities ?? []) {
    const lane = laneOf(activity.activityType?.name);
    if (lane !== null) failing[lane] = (await conditionOf(activity, converter)) ?? failing[lane];
  }
  return failing;
}

/**
 * Each lane's condition. Temporal knows the latest failure, also where the store could not take it. The store knows
 * better since when the same failure lasts.
 *
 * @param pending - absent when Temporal was not asked
 */
export function conditionsNow(stored: Conditions, pending: Conditions | undefined): Conditions {
  return { live: now(stored.live, pending?.live), backfill: now(stored.backfill, pending?.backfill) };
}

function now(stored: Condition | null, pending: Condition | null | undefined): Condition | null {
  return pending === null || pending === undefined || stored?.message === pending.message ? stored : pending;
}

const LANES: ReadonlyMap<string, Lane | null> = new Map(Object.entries(LANE_OF_ACTIVITY));

const laneOf = (activity: string | null | undefined): Lane | null => LANES.get(activity ?? '') ?? null;

/**
 * @returns null for an activity that has not failed, or not with a failure of Tidemark's, such as a lost worker; also
 *   while an attempt works well
 */
async function conditionOf(activity: PendingActivity, converter: DataConverter): Promise<Condition | null> {
  const { lastFailure, heartbeatDetails } = activity;
  const type = FAILURE_TYPES.find((known) => known === lastFailure?.applicationFailureInfo?.type);
  if (lastFailure === null || lastFailure === undefined || type === undefined || worksWell(activity)) return null;
  const kind = CONDITION_KINDS[type];
  const failedAt = msOf(activity.lastAttemptCompleteTime) ?? 0;
  const until = kind === 'rate-limited' ? msOf(activity.nextAttemptScheduleTime) : null;
  try {
    const failure = await decoded(lastFailure, converter);
    if (!(failure instanceof ApplicationFailure)) return null;
    const remedy = remedyOfFailure(failure.details);
    return {
      kind,
      message: failure.message,
      ...(remedy === undefined ? {} : { remedy }),
      since: (await sinceOf(heartbeatDetails, converter)) ?? failedAt,
      until,
    };
  } catch (error) {
    // Encrypted words, and no key, another key, or a product's codec that fails: the rest of the report is still true.
    const why = error instanceof SecretKeyError ? `: ${error.message}` : '';
    return { kind, message: `${type}, in words that cannot be read here${why}`, since: failedAt, until };
  }
}

/** PENDING_ACTIVITY_STATE_STARTED: a worker makes the attempt. Loading the enum would load all of Temporal's API. */
const STARTED: NonNullable<PendingActivity['state']> = 2;
/** Ms after which an attempt would have met the failure again: a call to a locked database waits half a minute. */
const WORKS_AFTER = 60_000;

/** Temporal keeps the failure of an earlier attempt until the activity ends, and a slice may work for hours. */
function worksWell({ state, lastStartedTime, lastHeartbeatTime }: PendingActivity): boolean {
  const [startedAt, beatAt] = [msOf(lastStartedTime), msOf(lastHeartbeatTime)];
  return state === STARTED && startedAt !== null && beatAt !== null && beatAt - startedAt > WORKS_AFTER;
}

async function sinceOf(details: PendingActivity['heartbeatDetails'], converter: DataConverter): Promise<number | null> {
  const [payload] = await decodedPayloads(details?.payloads, converter);
  return payload === undefined ? null : failingSinceIn(converter.payloadConverter.fromPayload(payload));
}

/** The error that an activity ended with. Its message may be in an encrypted payload. */
async function decoded(failure: Failure, converter: DataConverter): Promise<Error> {
  const { encodedAttributes, applicationFailureInfo: info } = failure;
  const [attributes] = await decodedPayloads(asList(encodedAttributes), converter);
  const payloads = await decodedPayloads(info?.details?.payloads, converter);
  const plain = {
    ...failure,
    ...(attributes === undefined ? {} : { encodedAttributes: attributes }),
    applicationFailureInfo: { ...info, details: { payloads } },
    // Only the activity's own error is shown.
    cause: null,
  };
  return converter.failureConverter.failureToError(plain, converter.payloadConverter);
}

const asList = (payload: Payload | null | undefined): Payload[] =>
  payload === null || payload === undefined ? [] : [payload];

async function decodedPayloads(payloads: Payload[] | null | undefined, converter: DataConverter): Promise<Payload[]> {
  let plain = payloads ?? [];
  for (const codec of converter.payloadCodecs.toReversed()) plain = await codec.decode(plain);
  return plain;
}

/** A time of Temporal's as epoch ms; null when it is absent. */
function msOf(time: PendingActivity['lastAttemptCompleteTime']): number | null {
  return time === null || time === undefined
    ? null
    : Number(time.seconds) * 1_000 + Math.floor(Number(time.nanos) / 1_000_000);
}
