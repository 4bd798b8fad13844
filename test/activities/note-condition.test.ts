import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, expect, it } from 'vitest';

import { createActivities } from '../../src/activities/create-activities.ts';
import { reportOf, readStored, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { reportLines } from '../../src/cli/report.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

async function look(): Promise<MailboxReport> {
  return reportOf(ADA, await readStored(ada.stores.store, ADA, ada.clock.now()), {
    phase: 'full-sync',
    status: null,
  });
}

const errorIn = (report: MailboxReport): string =>
  /last error .*/s.exec(reportLines(report, null, ada.clock.now()).join('\n'))?.[0] ?? '';

/** Runs an activity as a worker does, which notes its failures. Answers whether it succeeded. */
async function runs(activity: (activities: ReturnType<typeof createActivities>) => Promise<unknown>): Promise<boolean> {
  const work = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
    activity(createActivities(ada.deps)),
  );
  return ada.clock.during(
    work.then(
      () => true,
      () => false,
    ),
  );
}

const syncs = (): Promise<boolean> =>
  runs(async (worker) =>
    worker.partialSync({ mailbox: ADA, historyId: (await ada.stores.store.getMailbox(ADA))?.historyId ?? null }),
  );
const fetches = (): Promise<boolean> => runs((worker) => worker.fetchSlice({ mailbox: ADA }));

async function listed(): Promise<void> {
  ada = await RunningMailbox.open({ format: 'full' });
  ada.receive(30);
  const { settings } = ada.lanes.state;
  expect(await runs((worker) => worker.openMailbox({ mailbox: ADA, settings }))).toBe(true);
  expect(await runs((worker) => worker.fullSync({ mailbox: ADA, settings, generation: 1 }))).toBe(true);
}

/** Breaks gets, which a live sync of a quiet mailbox does not need. Answers a function that mends them. */
function breakBackfill(): () => void {
  const faults = (['batch', 'getProfile'] as const).map((method) =>
    ada.simulator.faults.add({ match: { method }, effect: { kind: 'status', status: 503 } }),
  );
  return () => faults.forEach((fault) => fault.remove());
}

it('A backfill that fails is reported at every look, however many live syncs succeed meanwhile', async () => {
  await listed();
  const mend = breakBackfill();
  for (let round = 0; round < 5; round++) {
    expect(await fetches()).toBe(false);
    expect((await look()).condition).toMatchObject({ kind: 'failing' });
    expect(await syncs()).toBe(true);
    const report = await look();
    expect(report.conditions).toMatchObject({ live: null, backfill: { kind: 'failing' } });
    expect(errorIn(report)).toMatch(/last error +backfill: .*503.*; since /);
  }
  mend();
  expect(await fetches()).toBe(true);
  expect(errorIn(await look())).toMatch(/last error +none/);
});

it('Both lanes are reported when both fail, and an activity that asks only the store mends neither', async () => {
  await listed();
  breakBackfill();
  const history = ada.simulator.faults.add({
    match: { method: 'history.list' },
    effect: { kind: 'status', status: 500 },
  });
  expect(await fetches()).toBe(false);
  expect(await syncs()).toBe(false);
  expect(await runs((worker) => worker.openMailbox({ mailbox: ADA, settings: ada.lanes.state.settings }))).toBe(true);
  expect(errorIn(await look())).toMatch(/last error +live syncs: .*500.*; since .*\n +backfill: .*503.*; since /);
  history.remove();
  expect(await syncs()).toBe(true);
  expect(errorIn(await look())).toMatch(/last error +backfill: .*503/);
});
