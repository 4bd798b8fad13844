import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { systemClock as clock } from '../src/host/system-clock.ts';
import { freePort } from '../src/temporal/dev-server/index.ts';

/** An S3 server over a folder (Apache 2.0, https://github.com/versity/versitygw): one program, up in a moment. */
const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';
/** Programs that were built once are kept where `npm start` keeps its own. */
const CACHED = fileURLToPath(new URL('../.tidemark/bin/versitygw', import.meta.url));
const BUILD_PATIENCE = 10 * 60_000;
const START_PATIENCE = 20_000;

/** What tests that need the server give as their time-out: the first of them may build it. */
export const S3_SERVER_PATIENCE = BUILD_PATIENCE + START_PATIENCE;

export interface S3Server {
  readonly endpoint: string;
  /** The folder whose folders are its buckets, and whose files its objects. */
  readonly folder: string;
  /** For the AWS client. */
  readonly env: { readonly AWS_ACCESS_KEY_ID: string; readonly AWS_SECRET_ACCESS_KEY: string };
  readonly bucket: string;
  stop(): Promise<void>;
}

/** Why there is no server on this machine, or null. In CI there must be one. */
export const s3Missing: string | null =
  process.env['CI'] === undefined && findProgram() === null && onPath('go') === null
    ? 'needs an S3 server: put versitygw on the PATH, or Go, which builds it'
    : null;

/** Starts a server of one's own on a free port, with an empty bucket in it. */
export async function startS3Server(): Promise<S3Server> {
  const program = findProgram() ?? (await buildProgram());
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-s3-'));
  const buckets = join(folder, 'buckets');
  const bucket = 'bodies';
  for (const made of [join(buckets, bucket), join(folder, 'meta')]) mkdirSync(made, { recursive: true });
  const env = { AWS_ACCESS_KEY_ID: 'tidemark', AWS_SECRET_ACCESS_KEY: 'tidemark-secret' };
  const port = await freePort(0);
  // Metadata in a folder of their own: not every file system has extended attributes.
  const child = spawn(
    program,
    ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', join(folder, 'meta'), buckets],
    {
      env: {
        PATH: process.env['PATH'],
        ROOT_ACCESS_KEY_ID: env.AWS_ACCESS_KEY_ID,
        ROOT_SECRET_ACCESS_KEY: env.AWS_SECRET_ACCESS_KEY,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = clock.now() + START_PATIENCE;
  while (!(await answers(port))) {
    if (child.exitCode !== null || clock.now() > deadline) {
      await stop();
      throw new Error(`the S3 server did not start: ${said.slice(0, 500)}`);
    }
    await clock.sleep(50);
  }
  return { endpoint: `http://127.0.0.1:${port}`, folder: buckets, env, bucket, stop };
}

function findProgram(): string | null {
  return onPath('versitygw') ?? (existsSync(CACHED) ? CACHED : null);
}

function onPath(program: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** A minute on an idle machine. The Go tool writes the program whole or not at all. */
async function buildProgram(): Promise<string> {
  const directory = dirname(CACHED);
  mkdirSync(directory, { recursive: true });
  await promisify(execFile)('go', ['install', `${MODULE}@${VERSION}`], {
    env: { ...process.env, GOBIN: directory, GOFLAGS: '-mod=mod' },
    timeout: BUILD_PATIENCE,
  });
  return CACHED;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
