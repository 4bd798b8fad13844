import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../model/error-code.ts';
import { StoreError } from '../engines/store-error.ts';
import type { BodyStore } from './body-store.ts';

/** The folder of half-written files, beside the objects, so that a rename never crosses file systems. */
const HALF_WRITTEN = 'half-written';

/**
 * Bodies in a folder, one file each, readable by their owner only. Several processes, and machines that mount it, may
 * share the folder.
 *
 * The folder itself may be a symbolic link. A link in place of a folder below it is refused, since files would be
 * written or removed elsewhere.
 */
export class FolderBodyStore implements BodyStore {
  readonly url: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.url = `file:${folder}`;
    this.#folder = folder;
  }

  /**
   * Writes a temporary file, syncs it and renames it, so a file under its final name is always whole. The folder is
   * synced as well: until then a power loss may undo the rename (see fsync(2)), and the row that names the file must
   * not outlive it.
   */
  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.#translated(async () => {
      const path = join(this.#folder, name);
      const half = join(this.#folder, HALF_WRITTEN, randomUUID());
      await this.#refuseLinks(`${HALF_WRITTEN}/half`);
      await this.#refuseLinks(name);
      await this.#makeFolder(dirname(half));
      await this.#makeFolder(dirname(path));
      try {
        const file = await open(half, 'wx', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(half, path);
      } catch (error) {
        await rm(half, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  get(name: string): Promise<Uint8Array | null> {
    return this.#translated(async () => {
      try {
        return await readFile(join(this.#folder, name));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    });
  }

  remove(name: string): Promise<void> {
    return this.#translated(async () => {
      await this.#refuseLinks(name);
      await rm(join(this.#folder, name), { force: true });
    });
  }

  tidy(before: number): Promise<void> {
    return this.#translated(async () => {
      await this.#refuseLinks(`${HALF_WRITTEN}/half`);
      const folder = join(this.#folder, HALF_WRITTEN);
      const names = await readdir(folder).catch(() => []);
      for (const name of names) {
        const found = await stat(join(folder, name)).catch(() => null);
        if (found !== null && found.mtimeMs < before) await rm(join(folder, name), { force: true });
      }
    });
  }

  async close(): Promise<void> {
    // Nothing stays open between two calls.
  }

  /** Checks each folder between the place's own and an object. @throws {StoreError} `unavailable` when one is a link */
  async #refuseLinks(name: string): Promise<void> {
    let folder = this.#folder;
    for (const part of name.split('/').slice(0, -1)) {
      folder = join(folder, part);
      const found = await lstat(folder).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      });
      if (found === null) return;
      if (!found.isSymbolicLink()) continue;
      throw new StoreError(
        { kind: 'unavailable' },
        `The bodies' folder ${this.#folder} holds a link in the place of ${folder}, which is not followed. ` +
          'Remove the link; to use another disk, mount it there.',
      );
    }
  }

  /** Makes a folder, and syncs the parent of each new one, so that a power loss cannot undo it. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = folder; ; made = dirname(made)) {
      await syncFolder(dirname(made));
      if (made === first) return;
    }
  }

  async #translated<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !(error instanceof Error && 'syscall' in error)) throw error;
      throw new StoreError(
        { kind: 'unavailable' },
        `The bodies' folder ${this.#folder} ${REASONS[code] ?? `cannot be used (${code}); check it`}.`,
        { cause: error },
      );
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'is full; make room',
  EDQUOT: 'is full; make room',
  EACCES: 'may not be used by this user; check its permissions',
  EPERM: 'may not be used by this user; check its permissions',
  EROFS: 'is read-only; mount it writable',
  ENOTDIR: 'is no folder; name another in BODIES_URL',
  EIO: 'cannot be read or written (disk error); check the disk',
};

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
