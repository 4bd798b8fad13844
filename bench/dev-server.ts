import { join } from 'node:path';
import { systemClock } from '../src/host/system-clock.ts';
import { findBinary, freePort, startDevServer } from '../src/temporal/dev-server/index.ts';
import { sourceFile } from './bench-processes.ts';

/**
 * Starts Temporal's development server on a free port, with its log in `folder`.
 *
 * @param options.database - a file; null keeps it in memory. A file in the folder when absent
 */
export async function startServerIn(
  folder: string,
  { database = join(folder, 'temporal.db') }: { readonly database?: string | null } = {},
): ReturnType<typeof startDevServer> {
  const binary = await findBinary('temporal', {
    dataDir: sourceFile('.tidemark'),
    clock: systemClock,
    log: (line) => console.error(line),
  });
  return await startDevServer({
    binary,
    database,
    namespace: 'default',
    port: await freePort(0),
    uiPort: null,
    logFile: join(folder, 'temporal.log'),
    clock: systemClock,
  });
}
