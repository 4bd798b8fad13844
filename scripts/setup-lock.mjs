// Allows one set-up of a checkout at a time, across processes. Plain JavaScript for Node 20.
import { mkdirSync, openSync, closeSync, readFileSync, statSync, unlinkSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL = 200;
const HEARTBEAT = 5_000;
/** A holder that has not touched its lock for this long is gone, even if another process has its id. */
const STALE = 60_000;

/**
 * Runs `work` while this process holds `setup.lock` in `directory`; waits while a living process holds it.
 * A holder that was killed leaves a file behind: it is recognised by its dead process id or by a heartbeat that
 * stopped.
 * @param {{ directory: string, say: (line: string) => void, fail: (code: string | undefined, directory: string) =>
 * string | null }} options
 *   `fail` words a file error for a person
 * @param {() => Promise<void>} work
 */
export async function withSetupLock({ directory, say, fail }, work) {
  const file = join(directory, 'setup.lock');
  try {
    mkdirSync(directory, { recursive: true });
    await acquire(file, say);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    const sentence = fail(code, directory);
    throw sentence === null ? error : new Error(sentence, { cause: error });
  }
  const heartbeat = setInterval(() => touch(file), HEARTBEAT);
  try {
    await work();
  } finally {
    clearInterval(heartbeat);
    remove(file);
  }
}

/**
 * @param {string} file
 * @param {(line: string) => void} say
 */
async function acquire(file, say) {
  let said = false;
  for (;;) {
    if (create(file)) return;
    const holder = read(file);
    if (holder === null) continue;
    if (holder.stale) {
      // Two waiters may both see the dead holder, and the second may remove the lock that the first has just made.
      // So each waiter that took over checks again a moment later. Only one of them finds its own id in the file.
      remove(file);
      if (!create(file)) continue;
      await sleep(POLL);
      if (read(file)?.pid === process.pid) return;
      continue;
    }
    if (!said) say(`another set-up is at work (process ${holder.pid}): waiting for it`);
    said = true;
    await sleep(POLL);
  }
}

function create(/** @type {string} */ file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, String(process.pid));
    closeSync(handle);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function read(/** @type {string} */ file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    const age = Date.now() - statSync(file).mtimeMs;
    // An empty file belongs to a holder that has not written its id yet, unless the file stays empty.
    const alive = pid === 0 ? age < POLL * 5 : isAlive(pid);
    return { pid, stale: !alive || age > STALE };
  } catch {
    return null;
  }
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function touch(/** @type {string} */ file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // The file was removed from outside. The work continues, because npm protects its own tree.
  }
}

function remove(/** @type {string} */ file) {
  try {
    unlinkSync(file);
  } catch {
    // Already removed.
  }
}
