import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { makePrivateFile, makePrivateFolder, tighten } from '../../src/host/private-files.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe.skipIf(process.platform === 'win32')('files that only their owner may read', () => {
  const folder = useFolder();

  it('are made with folders that only the owner may enter', () => {
    makePrivateFile(join(folder(), 'a', 'b', 'mail'));
    expect(['a', 'a/b', 'a/b/mail'].map((path) => modeOf(join(folder(), path)))).toEqual([0o700, 0o700, 0o600]);
  });

  it("lie in Tidemark's own folder, which is closed if it was left open; one that a person named is not", () => {
    for (const name of ['.tidemark', 'chosen']) {
      mkdirSync(join(folder(), name));
      chmodSync(join(folder(), name), 0o755);
      makePrivateFolder(join(folder(), name));
    }
    expect(modeOf(join(folder(), '.tidemark'))).toBe(0o700);
    expect(modeOf(join(folder(), 'chosen'))).toBe(0o755);
  });

  it('are tightened through a link, too, but never a device or a folder that a link leads to', () => {
    const file = join(folder(), 'log');
    writeFileSync(file, '');
    chmodSync(file, 0o664);
    symlinkSync(file, join(folder(), 'link'));
    tighten(join(folder(), 'link'));
    expect(modeOf(file)).toBe(0o600);

    const device = modeOf('/dev/null');
    symlinkSync('/dev/null', join(folder(), 'null'));
    tighten(join(folder(), 'null'));
    expect(modeOf('/dev/null')).toBe(device);

    mkdirSync(join(folder(), 'elsewhere'), { mode: 0o755 });
    symlinkSync(join(folder(), 'elsewhere'), join(folder(), '.tidemark'));
    makePrivateFolder(join(folder(), '.tidemark'));
    expect(modeOf(join(folder(), 'elsewhere'))).toBe(0o755);
    tighten(join(folder(), 'nothing'));
  });

  it('include the logs, new and old', () => {
    const old = join(folder(), 'old.log');
    writeFileSync(old, 'line\n');
    chmodSync(old, 0o644);
    createLog('info', old).info('next');
    createLog('info', join(folder(), 'data', 'new.log')).info('first');
    expect([modeOf(old), modeOf(join(folder(), 'data')), modeOf(join(folder(), 'data', 'new.log'))]).toEqual([
      0o600, 0o700, 0o600,
    ]);
    expect(statSync(old).size).toBeGreaterThan(50);
  });
});
