import { MockActivityEnvironment } from '@temporalio/testing';

import { createActivities, type WorkerDependencies } from '../../src/activities/create-activities.ts';
import type { OfWorker } from '../../src/activities/requests.ts';
import { ADA, type RunningMailbox } from './running-mailbox.ts';

/** What the result of an activity says of its worker, and of deliveries. */
export async function reportedBy(ada: RunningMailbox, more: Pick<WorkerDependencies, 'skew'> = {}): Promise<OfWorker> {
  const activities = createActivities({ ...ada.deps, ...more });
  const { settings } = ada.lanes.state;
  let result: OfWorker = {};
  await ada.clock.during(
    new MockActivityEnvironment().run(async () => {
      result = await activities.openMailbox({ mailbox: ADA, settings });
    }),
  );
  return result;
}
