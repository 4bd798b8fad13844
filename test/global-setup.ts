import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

import { systemClock as clock } from '../src/host/system-clock.ts';
import { findBinary, freePort, startDevServer } from '../src/temporal/dev-server/index.ts';
import { startPostgresService } from './postgres/service.ts';

declare module 'vitest' {
  // What tests get by `inject`.
  export interface ProvidedContext {
    /** `host:port` of a real Temporal server, one for all tests: use a task queue and workflow ids of your own. */
    temporalAddress: string;
    /** The Temporal CLI, for tests that start and stop a server of their own. */
    temporalBinary: string;
    /** The time-skipping server: `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`. */
    temporalTestServerBinary: string;
    /** Where test/fixtures/workflow-bundle.ts keeps the workflows' code. */
    workflowBundleFile: string;
    /** See test/postgres/suite-database.ts; null where there is no PostgreSQL. */
    postgresService: string | null;
  }
}

/** Programs that were downloaded once are kept where `npm start` keeps them. */
const dataDir = fileURLToPath(new URL('../.tidemark', import.meta.url));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratch = mkdtempSync(join(tmpdir(), 'tidemark-temporal-'));
  const log = (line: string) => console.error(`set-up: ${line}`);
  const search = { dataDir, clock, log };
  const postgres = await startPostgresService(log);
  const binary = await findBinary('temporal', search);
  const testServerBinary = await findBinary('temporal-test-server', search);
  const server = await startDevServer({
    binary,
    database: null,
    namespace: 'default',
    port: await freePort(0),
    uiPort: null,
    logFile: join(scratch, 'temporal.log'),
    clock,
  });
  project.provide('postgresService', postgres.url);
  project.provide('workflowBundleFile', join(scratch, 'workflows.js'));
  project.provide('temporalAddress', server.address);
  project.provide('temporalBinary', binary);
  project.provide('temporalTestServerBinary', testServerBinary);
  return async () => {
    await server.stop();
    await postgres.stop();
    rmSync(scratch, { recursive: true, force: true });
  };
}
