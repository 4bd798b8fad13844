import { requireInstalled } from '../../host/optional-packages.ts';
import { StoreError } from '../engines/store-error.ts';
import type { BodyStore } from './body-store.ts';
import { FolderBodyStore } from './folder-body-store.ts';
import { S3BodyStore, type S3Location } from './s3-body-store.ts';

/** Where bodies outside the database are written, and how buckets are reached. */
export interface BodyOptions {
  /** `file:PATH` or `s3://bucket/prefix`; null keeps new bodies in the database. */
  readonly url: string | null;
  /** Bodies whose stored form has more bytes than this go outside; 0 for all. */
  readonly over: number;
  /** How a bucket is reached. */
  readonly s3: S3Location;
  /**
   * How places are opened; defaults to {@link openBodyStore}.
   *
   * @param url - the place
   * @param s3 - how a bucket is reached
   * @returns what reads and writes bodies there
   */
  readonly open?: (url: string, s3: S3Location) => BodyStore;
}

export const BODIES_INSIDE: BodyOptions = { url: null, over: 0, s3: { endpoint: null, region: null } };

const FOLDER = /^file:(?:\/\/)?(?<path>\/.+)$/;
const BUCKET = /^s3:\/\/(?<bucket>[^/]+)\/?(?<prefix>.*?)\/?$/;

/**
 * Opens the place that a URL names. Nothing is read or written yet.
 *
 * @throws {StoreError} `unavailable` for a URL that this program cannot read
 * @throws {CannotDoError} when the client for buckets is not installed
 */
export function openBodyStore(url: string, s3: S3Location): BodyStore {
  const path = FOLDER.exec(url)?.groups?.['path'];
  if (path !== undefined) return new FolderBodyStore(path);
  const { bucket, prefix = '' } = BUCKET.exec(url)?.groups ?? {};
  requirePackagesFor(url);
  if (bucket !== undefined) return new S3BodyStore({ bucket, prefix, location: s3 });
  throw new StoreError(
    { kind: 'unavailable' },
    `Bodies are kept at a place that this Tidemark cannot read (${url}): run a newer one.`,
  );
}

/**
 * Checks that the packages for a place are installed. Call this before anything is opened, so that a program fails at
 * its start and not at its first body.
 *
 * @throws {CannotDoError} when the client for buckets is needed and not installed
 */
export function requirePackagesFor(url: string): void {
  if (BUCKET.test(url)) requireInstalled('bucket');
}
