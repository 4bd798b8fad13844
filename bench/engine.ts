import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { loadConfig } from '../src/config/config.ts';
import { connectMailbox } from '../src/accounts/connect-mailbox.ts';
import { mailboxId } from '../src/model/ids.ts';
import { openWithStores, type TidemarkWithStores } from '../src/app/open-with-stores.ts';
import { systemClock } from '../src/host/system-clock.ts';
import { workflowIdOf } from '../src/workflows/definitions.ts';
import { PostgresServer } from '../test/fixtures/postgres/postgres-server.ts';
import { startServerIn } from './dev-server.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { cpuSecondsOf, load, memoryOf, SimulatorProcess, startWorker } from './bench-processes.ts';
import { inFolder, type Ends } from './in-folder.ts';

const EMAIL = mailboxId('bench@example.com');
/** The folder for the worker's `--cpu-prof` profiles. Without it no profile is made. */
const PROFILE = process.env['BENCH_CPU_PROFILE'];

/** These variables are passed to the worker when set, to measure the cost of metrics and tracing. */
const WATCHED = Object.fromEntries(
  ['METRICS_ADDRESS', 'OTEL_EXPORTER_OTLP_ENDPOINT'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  ),
);

interface EngineRun {
  readonly messages: number;
  /** From the first slice's start to the end of the slice that completed the full sync. */
  readonly messagesPerSecond: number;
  readonly listingSeconds: number;
  readonly peakMegabytes: number;
  readonly endMegabytes: number;
  readonly events: number;
  readonly largestPayload: number;
  readonly workerCpu: number;
  readonly simulatorCpu: number;
  readonly load: string;
}

type DatabaseKind = 'SQLite' | 'PostgreSQL';

const runs = new Map<string, Promise<EngineRun>>();

/** One run per size and database, shared by all figures that use it. */
function engineRun(messages: number, kind: DatabaseKind = 'SQLite'): Promise<EngineRun> {
  const name = `${kind} ${messages}`;
  const run = runs.get(name) ?? measure(messages, kind);
  runs.set(name, run);
  return run;
}

/**
 * Runs a simulator, a Temporal server and a worker in separate processes, and PostgreSQL when it is the database. The
 * quota is off.
 */
async function measure(messages: number, kind: DatabaseKind): Promise<EngineRun> {
  return inFolder(async (folder, ends) => {
    const simulator = await SimulatorProcess.start(EMAIL, { messages, bodyBytes: 4_096, threadSize: 3 });
    ends.push(() => simulator.stop());
    const server = await startServerIn(folder);
    ends.push(() => server.stop());
    const env = {
      ...(kind === 'PostgreSQL' ? await postgresEnvironment(ends) : {}),
      TIDEMARK_DATA_DIR: folder,
      TEMPORAL_ADDRESS: server.address,
      GMAIL_ROOT_URL: simulator.url,
      GOOGLE_TOKEN_URL: `${simulator.url}/token`,
      // The quota is off, so neither the user's pacing nor the project's slice rate slows anything down.
      GMAIL_USER_UNITS_PER_MINUTE: '1000000000',
      GMAIL_PROJECT_UNITS_PER_MINUTE: '1000000000',
      LOG_LEVEL: 'warn',
      ...WATCHED,
    };
    const config = loadConfig({ env });
    const tidemark = await openWithStores({ config });
    ends.push(() => tidemark.close());
    const text = JSON.stringify(await simulator.report<object>(`credentials?email=${EMAIL}`));
    await connectMailbox({ config, stores: tidemark, mailbox: EMAIL, clock: systemClock, text, verify: true });

    const nodeOptions = PROFILE === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILE}`];
    const worker = startWorker(folder, { env, nodeOptions }, ends);
    const simulatorCpu = simulator.cpuSeconds;
    await tidemark.client.start(EMAIL);
    await untilInSync(tidemark, () => worker.exitCode !== null);
    const memory = memoryOf(worker.pid);
    const workerCpu = cpuSecondsOf(worker.pid);
    const { counts } = await tidemark.client.progress(EMAIL);
    await requireComplete(simulator, counts);
    const history = await readHistory(tidemark.temporal);
    return {
      messages: counts.stored,
      messagesPerSecond: counts.stored / history.fetchSeconds,
      listingSeconds: history.listingSeconds,
      peakMegabytes: memory.peak,
      endMegabytes: memory.now,
      events: history.events,
      largestPayload: history.largestPayload,
      workerCpu,
      simulatorCpu: simulator.cpuSeconds - simulatorCpu,
      load: load(),
    };
  });
}

/** As in production, but without a password: every commit reaches the disk. */
async function postgresEnvironment(ends: Ends): Promise<NodeJS.ProcessEnv> {
  const server = await PostgresServer.start({ durable: true });
  ends.push(() => server.stop());
  return { DATABASE_URL: server.url, TIDEMARK_SECRET_KEY: randomBytes(32).toString('base64') };
}

const PATIENCE = 10 * 60_000;

async function untilInSync({ store }: TidemarkWithStores, hasEnded: () => boolean): Promise<void> {
  const deadline = systemClock.now() + PATIENCE;
  for (;;) {
    await systemClock.sleep(500);
    if ((await store.getMailbox(EMAIL))?.fullSync?.step === 'done') return;
    if (hasEnded()) throw new InvalidRunError('the worker ended');
    if (systemClock.now() > deadline) throw new InvalidRunError(`not in sync after ${PATIENCE / 1_000} s`);
  }
}

async function requireComplete(
  simulator: SimulatorProcess,
  counts: { stored: number; pending: number; failed: number },
): Promise<void> {
  const usage = await simulator.report<{ rejected: number }>('usage');
  if (counts.pending + counts.failed > 0)
    throw new InvalidRunError(`not everything was stored: ${JSON.stringify(counts)}`);
  if (usage.rejected > 0) throw new InvalidRunError(`${usage.rejected} calls were rejected with the quota off`);
}

interface HistoryFigures {
  readonly events: number;
  /** Bytes. */
  readonly largestPayload: number;
  readonly fetchSeconds: number;
  readonly listingSeconds: number;
}

/** Sums up all runs that continue-as-new made of the workflow. */
async function readHistory(temporal: Client): Promise<HistoryFigures> {
  const { workflowExecution } = await temporal.workflow
    .getHandle(workflowIdOf(EMAIL))
    .describe()
    .then(({ raw }) => ({ workflowExecution: raw.workflowExecutionInfo }));
  const last = workflowExecution?.execution?.runId ?? undefined;
  const first = workflowExecution?.firstRunId ?? last;
  let events = 0;
  let largestPayload = 0;
  const slices: number[] = [];
  const listings: number[] = [];
  for (let runId = first; runId !== undefined && runId !== '';) {
    const history = await temporal.workflow.getHandle(workflowIdOf(EMAIL), runId).fetchHistory();
    const types = new Map<string, string>();
    let next: string | undefined;
    for (const event of history.events ?? []) {
      events++;
      const at = Number(event.eventTime?.seconds ?? 0) + (event.eventTime?.nanos ?? 0) / 1e9;
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled) types.set(String(event.eventId), scheduled.activityType?.name ?? '');
      const scheduledId =
        event.activityTaskStartedEventAttributes?.scheduledEventId ??
        event.activityTaskCompletedEventAttributes?.scheduledEventId;
      const type = types.get(String(scheduledId ?? ''));
      if (type === 'fetchSlice') slices.push(at);
      if (type === 'fullSync') listings.push(at);
      next = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? next;
    }
    largestPayload = Math.max(largestPayload, largestPayloadIn(JSON.parse(historyToJSON(history))));
    runId = next;
  }
  return {
    events,
    largestPayload,
    fetchSeconds: Math.max(...slices) - Math.min(...slices),
    listingSeconds: Math.max(...listings) - Math.min(...listings),
  };
}

/** Payloads are the objects with `data` in base64. */
function largestPayloadIn(json: unknown): number {
  if (typeof json !== 'object' || json === null) return 0;
  const own = 'data' in json && typeof json.data === 'string' ? Buffer.from(json.data, 'base64').length : 0;
  return Math.max(own, ...Object.values(json).map(largestPayloadIn));
}

const SMALL = 10_000;
const LARGE = 100_000;

function noteOf(run: EngineRun): string {
  return (
    `${run.messages} messages; CPU seconds: worker ${run.workerCpu.toFixed(1)}, ` +
    `simulator ${run.simulatorCpu.toFixed(1)}; listing ${run.listingSeconds.toFixed(1)} s; ${run.load}`
  );
}

export const engineSpeed: Bench = {
  name: 'engine',
  about:
    'messages a second: one worker, Temporal server and simulator in separate processes, ' +
    'SQLite file, 4 KB, full, no quota',
  async run() {
    const figures: Figure[] = [];
    for (const messages of [SMALL, LARGE]) {
      const run = await engineRun(messages);
      figures.push({
        name: `engine, ${messages.toLocaleString('en')} messages`,
        value: run.messagesPerSecond,
        unit: 'messages/s',
        bound: { is: 'at least', value: 1_500 },
        note: noteOf(run),
      });
    }
    return figures;
  },
};

export const engineOnPostgres: Bench = {
  name: 'engine-postgres',
  about: 'the same on PostgreSQL, whose server runs on the same machine',
  async run() {
    const figures: Figure[] = [];
    for (const messages of [SMALL, LARGE]) {
      const run = await engineRun(messages, 'PostgreSQL');
      const note = `${noteOf(run)}; worker's memory at most ${run.peakMegabytes.toFixed(0)} MB`;
      figures.push({
        name: `engine on PostgreSQL, ${messages.toLocaleString('en')} messages`,
        value: run.messagesPerSecond,
        unit: 'messages/s',
        bound: { is: 'at least', value: 1_000 },
        note,
      });
    }
    return figures;
  },
};

export const engineMemory: Bench = {
  name: 'memory',
  about: 'resident memory of the worker at 10,000 and 100,000 messages',
  async run() {
    const small = await engineRun(SMALL);
    const large = await engineRun(LARGE);
    const megabytes = (value: number, name: string): Figure => ({
      name,
      value,
      unit: 'MB',
      bound: { is: 'at most', value: 400 },
    });
    return [
      megabytes(small.peakMegabytes, 'worker memory, peak, 10,000 messages'),
      megabytes(small.endMegabytes, '  at the end'),
      megabytes(large.peakMegabytes, 'worker memory, peak, 100,000 messages'),
      megabytes(large.endMegabytes, '  at the end'),
      {
        name: '  peak at 100,000 to peak at 10,000',
        value: large.peakMegabytes / small.peakMegabytes,
        unit: '',
        bound: { is: 'at most', value: 1.2 },
      },
    ];
  },
};

export const engineHistory: Bench = {
  name: 'history',
  about: "what a full sync leaves in Temporal's history",
  async run() {
    const { events, messages, largestPayload } = await engineRun(LARGE);
    return [
      {
        name: 'history events per 100 messages',
        value: (100 * events) / messages,
        unit: 'events',
        bound: { is: 'at most', value: 1 },
        note: `${events} events for ${messages} messages`,
      },
      { name: 'largest payload', value: largestPayload, unit: 'bytes', bound: { is: 'at most', value: 8_192 } },
    ];
  },
};
