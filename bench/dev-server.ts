import { join } from 'node:path';
import { systemClock } from '../src/host/system-clock.ts';
import { findBinary, type DevServer } from '../src/temporal/dev-server/index.ts';
import { startOwnServer } from '../test/fixtures/temporal/own-server.ts';
import { sourceFile } from './bench-processes.ts';

/**
 * Starts Temporal's development server with its log in `folder`.
 *
 * @param options.database - a file; null keeps it in memory. A file in the folder when absent
 * @param options.port - a free one when absent
 */
export async function startServerIn(
  folder: string,
  options: { readonly database?: string | null; readonly port?: number } = {},
): Promise<DevServer> {
  const binary = await findBinary('temporal', {
    dataDir: sourceFile('.tidemark'),
    clock: systemClock,
    log: (line) => console.error(line),
  });
  return startOwnServer({ binary, folder, database: join(folder, 'temporal.db'), ...options });
}
