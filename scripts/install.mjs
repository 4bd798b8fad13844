// Installs the project's dependencies when they are missing or the lock changed.
// Plain JavaScript for Node 20 with no imports but Node's own: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withSetupLock } from './setup-lock.mjs';

const OLDEST_NODE = 20;

/** Thrown when the set-up cannot go on. The message is one sentence for a person. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * The project's own Node, which the package `node` brings.
 * @param {string} root the project's directory
 */
export const projectNode = (root) =>
  join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Returns when `node_modules` holds what the lock names. An interrupted installation leaves no stamp and is done again
 * (npm keeps what it has downloaded); processes that come at the same moment take turns and the later ones find it
 * done.
 * @param {{ root: string, say: (line: string) => void, env?: NodeJS.ProcessEnv }} options
 * @throws {SetupError} when it cannot go on
 */
export async function ensureInstalled({ root, say, env = process.env }) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new SetupError(
      `Tidemark needs Node ${OLDEST_NODE} or newer, and this is ${process.version}: install a newer one from https://nodejs.org.`,
    );
  }
  if (isStamped(root)) return;
  await withSetupLock({ directory: join(root, '.tidemark'), say, fail: explainFileError }, async () => {
    if (isStamped(root)) return;
    if (isInstalledByHand(root)) {
      stamp(root);
      return;
    }
    await npmCi(root, say, env);
    stamp(root);
  });
}

const stampFile = (/** @type {string} */ root) => join(root, 'node_modules', '.tidemark-installed');

/**
 * The lock's digest, and the platform: a checkout shared with a container of another one must not pass for installed.
 */
function expectedStamp(/** @type {string} */ root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

function isStamped(/** @type {string} */ root) {
  try {
    return readFileSync(stampFile(root), 'utf8') === expectedStamp(root) && existsSync(projectNode(root));
  } catch {
    return false;
  }
}

function stamp(/** @type {string} */ root) {
  try {
    writeFileSync(stampFile(root), expectedStamp(root));
  } catch {
    // Without a stamp the next run looks again, which is slower and as right.
  }
}

/** Whether someone ran `npm ci` or `npm install`: npm's own record then has every version that the lock names. */
function isInstalledByHand(/** @type {string} */ root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    const complete = Object.entries(wanted).every(
      ([path, entry]) => path === '' || entry.optional === true || present[path]?.version === entry.version,
    );
    return complete && spawnSync(projectNode(root), ['--version']).status === 0;
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {NodeJS.ProcessEnv} env
 */
async function npmCi(root, say, env) {
  const began = performance.now();
  const seconds = () => `${Math.round((performance.now() - began) / 1000)} s`;
  say('installing dependencies and Node 24 (npm ci, about half a minute the first time)');
  const ticker = setInterval(() => say(`installing dependencies: ${seconds()} so far`), 15_000);
  // A half-removed tree would pass for an installation by hand: npm's record goes first.
  rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
  try {
    const { code, output } = await npm(root, env, [
      'ci',
      '--include=dev', // NODE_ENV=production would leave out Node 24 itself
      '--ignore-scripts=false', // the package `node` fetches its binary in a script
      '--fetch-retry-mintimeout=1000', // npm's own patience makes 80 s of being offline
      '--fetch-retry-maxtimeout=10000',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error', // the pinned packages want Node 24, which they get: EBADENGINE would mislead
    ]);
    if (code !== 0 || !existsSync(projectNode(root))) {
      process.stderr.write(output.endsWith('\n') ? output : `${output}\n`);
      throw new SetupError(explainNpmFailure(output, root));
    }
    say(`dependencies installed (${seconds()})`);
  } finally {
    clearInterval(ticker);
  }
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function npm(root, env, args) {
  // Under `npm start` npm names its own script here; another package manager names itself.
  const script = env['npm_execpath'];
  const own = script !== undefined && script.endsWith('npm-cli.js') && existsSync(script);
  const [command, first] = own ? [process.execPath, [script]] : ['npm', []];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: !own && process.platform === 'win32',
    });
    let output = '';
    // npm must not go on by itself when the set-up is stopped: the next one would meet it.
    const stop = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    for (const signal of STOPPING) process.once(signal, stop);
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      reject(
        new SetupError(`npm could not be run (${error.message}): install npm, which comes with Node, and try again.`),
      );
    });
    child.on('close', (code, signal) => {
      for (const name of STOPPING) process.off(name, stop);
      if (signal === null) resolve({ code, output });
      else
        reject(
          new SetupError(
            'The installation was interrupted: run the command again, and it goes on with what was downloaded.',
          ),
        );
    });
  });
}

const STOPPING = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** What npm says when the registry is out of reach. */
const NO_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|network request .* failed)\b/;

/**
 * One sentence on why `npm ci` failed and what to do.
 * @param {string} output what npm printed
 * @param {string} root
 */
export function explainNpmFailure(output, root) {
  const known = explainFileError(/\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS)\b/.exec(output)?.[1], root);
  if (known !== null) return known;
  if (NO_NETWORK.test(output)) {
    return 'The package registry cannot be reached: check the network connection or the proxy and run the command again; what was downloaded is kept.';
  }
  if (/SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_HAS_EXPIRED/.test(output)) {
    return "The package registry's certificate is not trusted here: name your organisation's certificate with `npm config set cafile FILE` and run the command again.";
  }
  if (/\b(E401|E403|E404|ETARGET)\b/.test(output)) {
    return 'The package registry refused a package that Tidemark needs (named above): check which registry `npm config get registry` names.';
  }
  if (/\bEINTEGRITY\b/.test(output)) {
    return 'A package was damaged on its way: run `npm cache verify` and then the command again.';
  }
  return 'The dependencies could not be installed: what npm said is above.';
}

/**
 * One sentence on a file error, null for another one.
 * @param {string | undefined} code
 * @param {string} directory
 */
function explainFileError(code, directory) {
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `The disk is full: Tidemark's dependencies need about 1 GB in ${directory}.`;
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `There is no permission to write in ${directory}: make it writable or copy the project to a directory that is.`;
  }
  return null;
}
