// node test/histories/record.ts [NAME [LIFE]]: records the histories of a representative mailbox, several runs of it,
// into a folder of that name, the version's by default. LIFE is `whole` (by default), or `renamed`: one that was
// started by hand, and got another address. Do so when a version is released, and keep the folders of earlier ones:
// workflows that began under them are still running somewhere.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import { systemClock as clock } from '../../src/host/system-clock.ts';
import { bundleWorkflows } from '../../src/temporal/bundle-workflows.ts';
import { findBinary } from '../../src/temporal/dev-server/index.ts';
import { mailboxId } from '../../src/model/ids.ts';
import * as definitions from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { TestMailbox, type Run } from '../fixtures/system/test-mailbox.ts';
import { startOwnServer } from '../fixtures/temporal/own-server.ts';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * What a mailbox meets in its life: commands, an expired history, a rate limit, revoked consent, and more events than
 * one run may have.
 */
async function live(rig: Rig, box: TestMailbox): Promise<void> {
  await box.start();
  await box.exact(120_000);
  box.deliver('one');
  await box.client.sync(box.id, { wait: true });
  await box.client.pause(box.id);
  await box.reaches('paused', 5_000);
  await box.client.resume(box.id);
  await box.client.resync(box.id, { wait: true });
  rig.simulator.faults.add({ match: { email: box.id }, effect: { kind: 'retry-after', until: Date.now() + 21_500 } });
  await box.client.poke(box.id);
  await box.reaches('rate-limited', 30_000);
  await box.exact(120_000);
  box.gmail.delete(box.ids()[0] ?? '');
  box.gmail.expireHistory();
  await box.client.poke(box.id);
  await box.reaches('recovering', 30_000);
  await box.exact(120_000);
  rig.simulator.revoke(box.id);
  await box.client.poke(box.id);
  await box.reaches('needs-consent', 30_000);
  rig.simulator.grant(box.id);
  await box.connect();
  await box.client.reconnect(box.id);
  await box.exact(120_000);
  for (let signals = 0; signals < 420; signals += 60) {
    await Promise.all(Array.from({ length: 60 }, () => box.handle.signal(definitions.poke)));
    box.deliver('two');
    await box.client.sync(box.id, { wait: true });
  }
  await eventually(10_000, async () => ((await box.runs()).length > 1 ? true : null));
  await box.client.start(box.id, { pollInterval: 3_000 });
  await box.exact(120_000);
  // At rest, polls take a look first. The next look finds something.
  await eventually(120_000, async () => ((await looks(box)) > 2 ? true : null));
  box.deliver('three');
  await box.exact(30_000);
  await box.client.stop(box.id);
}

async function looks(box: TestMailbox): Promise<number> {
  const events = (await box.runs()).flatMap(({ history }) => history.events ?? []);
  return events.filter((event) => event.markerRecordedEventAttributes?.markerName === 'core_local_activity').length;
}

/** A plain Temporal client starts and configures a mailbox. It is then renamed, and goes on under its new address. */
async function liveRenamed(rig: Rig, box: TestMailbox): Promise<readonly Run[]> {
  await rig.tidemark.temporal.workflow.start(definitions.MAILBOX_WORKFLOW, {
    workflowId: box.handle.workflowId,
    taskQueue: rig.config.taskQueue,
    args: [{ mailbox: box.id, settings: { format: 'raw' } }],
  });
  await box.exact(120_000);
  await box.handle.signal('configure', { pollInterval: 2_000, scope: { labelIds: null } });
  const to = mailboxId(`renamed-${box.id}`);
  const renamed = new TestMailbox({ rig, id: to, gmail: rig.simulator.rename(box.id, to), settings: box.settings });
  await box.client.rename(box.id, to);
  renamed.deliver('under the other address');
  await box.client.sync(to, { wait: true });
  await renamed.exact(120_000);
  await box.client.stop(to);
  return [...(await box.runs()), ...(await renamed.runs())];
}

const { version } = JSON.parse(readFileSync(root('package.json'), 'utf8')) as { version: string };
const folder = root(`test/histories/${process.argv[2] ?? `v${version}`}`);
const scratch = mkdtempSync(join(tmpdir(), 'tidemark-record-'));
const binary = await findBinary('temporal', { dataDir: root('.tidemark'), clock, log: (line) => console.error(line) });
const server = await startOwnServer({ binary, folder: scratch, database: null });
// Only a run of tests has a shared bundle, so this script makes its own.
const bundle = join(scratch, 'workflows.js');
writeFileSync(bundle, (await bundleWorkflows()).code);
const rig = await Rig.open('record', {
  temporalAddress: server.address,
  env: { PUSH_TOPIC: 'projects/tidemark/topics/gmail', TIDEMARK_WORKFLOW_BUNDLE: bundle },
});
try {
  await rig.startWorker();
  const box = await rig.mailbox('ada', { messages: 30, pollInterval: 2_000 });
  const runs =
    process.argv[3] === 'renamed' ? await liveRenamed(rig, box) : await live(rig, box).then(() => box.runs());
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [index, { workflowId, history }] of runs.entries()) {
    // A replay does not need to know which machine recorded it.
    const json = historyToJSON(history)
      .replaceAll(/"identity": "[^"]*"/g, '"identity": "recorded"')
      // Stack traces of failures name the machine's folders.
      .replaceAll(fileURLToPath(new URL('../..', import.meta.url)), '/tidemark/');
    const lines = (JSON.parse(json) as { events: object[] }).events.map((event) => JSON.stringify(event));
    const file = join(folder, `run-${index + 1}.json`);
    writeFileSync(file, `{"workflowId": "${workflowId}", "events": [\n${lines.join(',\n')}\n]}\n`);
    console.log(`${lines.length} events in ${file}`);
  }
} finally {
  await rig.close();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}
process.exit();
