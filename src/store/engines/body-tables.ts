import type { Generated } from 'kysely';

/**
 * A place of bodies outside the database. It stays known as long as rows name bodies in it, whatever is configured
 * later.
 */
export interface BodyPlaceTable {
  key: Generated<number>;
  url: string;
  /** Drawn when the place became known: two databases that share a place do not touch each other's objects. */
  prefix: string;
  /** Whether this database removes its objects: see `store/bodies/place-sweeps.ts`. */
  sweeps: number;
}

/** An object outside the database: registered before it is written, forgotten after it is removed. */
export interface BodyObjectTable {
  key: Generated<number>;
  place_key: number;
  /** SHA-256 of the stored bytes, in hexadecimal. */
  hash: string;
  /** Drawn with each registration, and part of the object's name: a name is never used again. */
  nonce: string;
  size: number;
  /** 1 once it is known to be written. */
  written: number;
  /** Since when the object may be without a row that names it; null while a row names it. */
  loose_since: number | null;
  /** Since when the object is being removed. No row may name it from then on. */
  condemned_at: number | null;
}
