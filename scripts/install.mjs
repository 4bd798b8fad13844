// Installs the project's dependencies when they are missing or the lock changed.
// Plain JavaScript for Node 20 that imports only Node's own modules: it runs before anything is installed.
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
 * Path of the project's own Node, which the package `node` installs.
 * @param {string} root the project's directory
 */
export const projectNode = (root) =>
  join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Returns when `node_modules` matches the lock file. An interrupted installation leaves no stamp and is repeated (npm
 * keeps its downloads). Processes that start at the same moment take turns, and the later ones find the work done.
 * @param {{ root: string, say: (line: string) => void, env?: NodeJS.ProcessEnv }} options
 * @throws {SetupError} when the installation fails
 */
export async function ensureInstalled({ root, say, env = process.env }) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new SetupError(
      `Tidemark needs Node ${OLDEST_NODE} or newer, and this is ${process.version}: ` +
        'install a newer one from https://nodejs.org.',
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
 * The lock file's digest and the platform: a checkout shared with a container of another platform must be reinstalled.
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
    // Without a stamp, the next run checks again, which is only slower.
  }
}

/** Whether someone ran `npm ci` or `npm install`: npm's own record then has every version in the lock file. */
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
  // npm's record is removed first: otherwise a half-removed tree would look like an installation by hand.
  rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
  try {
    const { code, output } = await npm(root, env, [
      'ci',
      '--include=dev', // NODE_ENV=production would leave out Node 24 itself
      '--ignore-scripts=false', // the package `node` fetches its binary in a script
      '--fetch-retry-mintimeout=1000', // with npm's own timeouts, being offline takes 80 s
      '--fetch-retry-maxtimeout=10000',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error', // EBADENGINE would mislead: the packages want Node 24, and get it
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
  // Under `npm start` this is npm's own script; other package managers put theirs here.
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
    // npm must not keep running when the set-up is stopped: it would collide with the next set-up.
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
            'The installation was interrupted: run the command again to continue with what was downloaded.',
          ),
        );
    });
  });
}

const STOPPING = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** What npm prints when it cannot reach the registry. */
const NO_NETWORK = new RegExp(
  String.raw`\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|` +
    String.raw`ENOTCACHED|network request .* failed)\b`,
);

/**
 * One sentence on why `npm ci` failed and what to do.
 * @param {string} output what npm printed
 * @param {string} root
 */
export function explainNpmFailure(output, root) {
  const known = explainFileError(/\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS)\b/.exec(output)?.[1], root);
  if (known !== null) return known;
  if (NO_NETWORK.test(output)) {
    return (
      'The package registry cannot be reached: check the network connection or the proxy and run the command ' +
      'again; what was downloaded is kept.'
    );
  }
  if (/SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_HAS_EXPIRED/.test(output)) {
    return (
      "The package registry's certificate is not trusted here: " +
      "name your organisation's certificate with `npm config set cafile FILE` and run the command again."
    );
  }
  if (/\b(E401|E403|E404|ETARGET)\b/.test(output)) {
    return (
      'The package registry refused a package that Tidemark needs (named above): ' +
      'check which registry `npm config get registry` names.'
    );
  }
  if (/\bEINTEGRITY\b/.test(output)) {
    return 'A package was damaged during the download: run `npm cache verify` and then the command again.';
  }
  return 'The dependencies could not be installed: what npm said is above.';
}

/**
 * One sentence on a file error; null for other errors.
 * @param {string | undefined} code
 * @param {string} directory
 */
function explainFileError(code, directory) {
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `The disk is full: Tidemark's dependencies need about 1 GB in ${directory}.`;
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return (
      `There is no permission to write in ${directory}: ` +
      'make it writable or copy the project to a directory that is.'
    );
  }
  return null;
}
