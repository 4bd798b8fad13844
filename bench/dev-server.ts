import { join } from 'node:path';
import { systemClock } from '../src/host/system-clock.ts';
import { findBinary, startDevServer } from '../src/temporal/dev-server/index.ts';
import { onFreePort } from '../test/fixtures/host/on-free-port.ts';
import { sourceFile } from './bench-processes.ts';

/**
 * Starts Temporal's development server with its log in `folder`.
 *
 * @param options.database - a file; null keeps it in memory. A file in the folder when absent
 * @param options.port - a free one when absent
 */
export async function startServerIn(
  folder: string,
  { database = join(folder, 'temporal.db'), port }: { readonly database?: string | null; readonly port?: number } = {},
): ReturnType<typeof startDevServer> {
  const binary = await findBinary('temporal', {
    dataDir: sourceFile('.tidemark'),
    clock: systemClock,
    log: (line) => console.error(line),
  });
  const startOn = (on: number): ReturnType<typeof startDevServer> =>
    startDevServer({
      binary,
      database,
      namespace: 'default',
      port: on,
      uiPort: null,
      logFile: join(folder, 'temporal.log'),
      clock: systemClock,
    });
  return await (port === undefined ? onFreePort(startOn) : startOn(port));
}
