import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FolderBodyStore } from '../../../src/store/bodies/folder-body-store.ts';
import { useFolder } from '../../fixtures/host/temporary-folder.ts';

describe('links in a folder of bodies', () => {
  const folder = useFolder();
  const bodies = (): string => join(folder(), 'bodies');
  const elsewhere = (): string => join(folder(), 'elsewhere');
  const refused = {
    failure: { kind: 'unavailable' },
    message: expect.stringMatching(
      new RegExp(
        String.raw`holds a link in the place of .*, which is not followed\. ` +
          String.raw`Remove the link; to use another disk, mount it there\.$`,
      ),
    ) as string,
  };
  beforeEach(() => {
    for (const path of [bodies(), elsewhere()]) mkdirSync(path);
    writeFileSync(join(elsewhere(), 'object'), "somebody else's");
    // Older than what a writer at work could have left.
    utimesSync(join(elsewhere(), 'object'), 1_000, 1_000);
  });

  const everythingElsewhere = (): unknown =>
    readdirSync(elsewhere()).map((name) => [name, readFileSync(join(elsewhere(), name), 'utf8')]);

  it.each(['a1', 'a1/b2'])('are not followed to write or to remove elsewhere: %s', async (place) => {
    if (place.includes('/')) mkdirSync(join(bodies(), 'a1'));
    symlinkSync(elsewhere(), join(bodies(), place));
    const store = new FolderBodyStore(bodies());
    await expect(store.put(`${place}/object`, Buffer.from('ours'))).rejects.toMatchObject(refused);
    await expect(store.put(`${place}/deep/object`, Buffer.from('ours'))).rejects.toMatchObject(refused);
    await expect(store.remove(`${place}/object`)).rejects.toMatchObject(refused);
    expect(everythingElsewhere()).toEqual([['object', "somebody else's"]]);
    rmSync(join(bodies(), place));
    await store.put(`${place}/object`, Buffer.from('ours'));
    expect(await store.get(`${place}/object`)).toEqual(Buffer.from('ours'));
  });

  it('are not followed to tidy elsewhere', async () => {
    symlinkSync(elsewhere(), join(bodies(), 'half-written'));
    const store = new FolderBodyStore(bodies());
    await expect(store.tidy(2_000_000)).rejects.toMatchObject(refused);
    await expect(store.put('a1/object', Buffer.from('ours'))).rejects.toMatchObject(refused);
    expect(everythingElsewhere()).toEqual([['object', "somebody else's"]]);
  });

  it('in the place of an object are replaced and removed, and what they lead to stays', async () => {
    mkdirSync(join(bodies(), 'a1'));
    for (const name of ['one', 'two']) symlinkSync(join(elsewhere(), 'object'), join(bodies(), 'a1', name));
    const store = new FolderBodyStore(bodies());
    await store.put('a1/one', Buffer.from('ours'));
    await store.remove('a1/two');
    expect([lstatSync(join(bodies(), 'a1/one')).isFile(), existsSync(join(bodies(), 'a1/two'))]).toEqual([true, false]);
    expect(everythingElsewhere()).toEqual([['object', "somebody else's"]]);
  });

  it('may lead to the folder itself', async () => {
    symlinkSync(bodies(), join(folder(), 'link'));
    const store = new FolderBodyStore(join(folder(), 'link'));
    await store.put('a1/object', Buffer.from('ours'));
    await store.tidy(2_000_000);
    expect(readFileSync(join(bodies(), 'a1/object'), 'utf8')).toBe('ours');
    await store.remove('a1/object');
    expect(readdirSync(join(bodies(), 'a1'))).toEqual([]);
  });
});
