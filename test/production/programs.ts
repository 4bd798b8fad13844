import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { systemClock } from '../../src/host/system-clock.ts';
import { findBinary } from '../../src/temporal/dev-server/index.ts';
import { root } from '../fixtures/compose/compose-file.ts';
import { findPostgres, HOW_TO_GET_ONE } from '../fixtures/postgres/binaries.ts';

const run = promisify(execFile);

/** The programs that Go builds, and the names that they have in the images. */
const TEMPORAL_PROGRAMS = { server: 'temporal-server', sql: 'temporal-sql-tool' } as const;
const PACKAGES = ['go.temporal.io/server/cmd/server', 'go.temporal.io/server/cmd/tools/sql'];

/**
 * Temporal's real server and its schema tool, built by Go from the source of the given version. That takes five
 * minutes, so they are kept in the user's cache folder.
 * @returns the folder with `server` and `sql` in it
 */
async function temporalServer(version: string): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tidemark');
  const built = join(cache, `temporal-server-${version}`);
  if (Object.keys(TEMPORAL_PROGRAMS).every((name) => existsSync(join(built, name)))) return built;
  await mkdir(cache, { recursive: true });
  // Renamed when it is whole: an interrupted build leaves nothing that would be taken for a finished one.
  const unfinished = await mkdtemp(join(cache, '.building-'));
  try {
    console.log(`building Temporal's server ${version} with Go: some minutes, once`);
    await run('go', ['install', ...PACKAGES.map((name) => `${name}@v${version}`)], {
      env: { ...process.env, GOBIN: unfinished },
      maxBuffer: 64 * 2 ** 20,
    });
    await rm(built, { recursive: true, force: true });
    await rename(unfinished, built);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return built;
}

export interface Programs {
  /** For PATH: every program that the images bring. */
  readonly path: string;
  readonly entrypoint: string;
}

/**
 * Puts what the images bring into one folder that every user can enter, as the images do.
 * @param temporalVersion - tag of the server's image
 */
export async function gatherPrograms({
  folder,
  app,
  temporalVersion,
}: {
  folder: string;
  app: string;
  temporalVersion: string;
}): Promise<Programs> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const server = await temporalServer(temporalVersion);
  for (const [name, program] of Object.entries(TEMPORAL_PROGRAMS))
    await copyFile(join(server, name), join(bin, program));
  await copyFile(
    await findBinary('temporal', { dataDir: join(root, '.tidemark'), clock: systemClock, log: console.log }),
    join(bin, 'temporal'),
  );
  await copyFile(process.execPath, join(bin, 'node'));
  await symlink(join(app, 'dist/cli/main.js'), join(bin, 'tidemark'));
  const postgres = findPostgres();
  if (postgres === null) throw new Error(`There is no PostgreSQL on this machine: ${HOW_TO_GET_ONE}.`);
  const { stdout } = await run('go', ['mod', 'download', '-json', `go.temporal.io/server@v${temporalVersion}`], {
    cwd: folder,
  });
  const { Dir: source } = JSON.parse(stdout) as { Dir: string };
  const entrypoint = join(folder, 'entrypoint.sh');
  // The image's sh knows `pipefail`; the sh of other systems may not.
  const script = await readFile(join(source, 'docker/scripts/sh/entrypoint.sh'), 'utf8');
  await writeFile(entrypoint, script.replace('#!/bin/sh', '#!/usr/bin/env bash'), { mode: 0o755 });
  return { path: [bin, postgres, '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter), entrypoint };
}
