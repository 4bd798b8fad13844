import { boundedText } from './bounded-text.ts';
import { Secret } from './secret.ts';
import { TidemarkError } from './tidemark-error.ts';

/** Where the mirror and the credentials are, and how they are reached. */
export type DatabaseLocation = SqliteLocation | PostgresLocation;

/** A database in a file, or in memory. */
export interface SqliteLocation {
  /** Says that it is SQLite. */
  readonly kind: 'sqlite';
  /** The path of the file, or {@link IN_MEMORY}. */
  readonly path: string;
}

/** A database that exists only as long as its process. */
export const IN_MEMORY = ':memory:';

/** A PostgreSQL database, and how it is reached. */
export interface PostgresLocation extends PostgresAccess {
  /** Says that it is PostgreSQL. */
  readonly kind: 'postgres';
  /** Without the password, so that it can be shown. */
  readonly url: string;
  /** The password from the address; null when the address has none. */
  readonly password: Secret<string> | null;
}

/** How a PostgreSQL server is reached, apart from its address. */
export interface PostgresAccess {
  /**
   * The file of the password. It is read whenever a connection is opened, so that a password may change while programs
   * run. null when the password is in the address, or not needed.
   */
  readonly passwordFile: string | null;
  /** Certificates of the trusted authorities, in PEM; null means those that Node trusts. */
  readonly caFile: string | null;
  /** The greatest number of connections of one process. */
  readonly poolSize: number;
}

export const DEFAULT_POOL_SIZE = 10;

const DEFAULT_ACCESS: PostgresAccess = { passwordFile: null, caFile: null, poolSize: DEFAULT_POOL_SIZE };

/** Thrown when a database URL names nothing that Tidemark can open. */
export class UnsupportedDatabaseError extends TidemarkError {
  override readonly name = 'UnsupportedDatabaseError';
  readonly code = 'configuration';
  /** What is wrong with an address of PostgreSQL, for example `names no host`; null for other URLs. */
  readonly trouble: string | null;

  constructor(message: string, trouble: string | null = null) {
    super(message);
    this.trouble = trouble;
  }
}

/** What an address of PostgreSQL looks like, for messages. */
export const POSTGRES_URL =
  'postgres://USER@HOST/DATABASE, with ?sslmode=disable, require, verify-ca or verify-full where needed, ' +
  'for example postgres://tidemark@db.internal/tidemark?sslmode=verify-full';

const SQLITE = 'sqlite:';

/**
 * Reads a database URL: `sqlite:PATH` (also `sqlite:///PATH`), `sqlite::memory:` or `postgres://USER@HOST/DATABASE`.
 *
 * @param access - how PostgreSQL is reached, beside its address
 * @param url - the URL
 * @returns the location, for `openReader` and a configuration
 * @throws {UnsupportedDatabaseError} for any other URL. The message repeats nothing that may be a password
 * @example databaseAt('sqlite:/var/lib/tidemark/mail.sqlite')
 */
export function databaseAt(url: string, access: Partial<PostgresAccess> = {}): DatabaseLocation {
  if (typeof url !== 'string')
    throw new UnsupportedDatabaseError('The database is no URL: write sqlite:PATH, for example.');
  if (isPostgresUrl(url)) return postgresAt(url, access);
  if (!url.startsWith(SQLITE)) throw new UnsupportedDatabaseError(unsupported(url));
  const path = url.slice(SQLITE.length).replace(/^\/\/(?=\/)/, '');
  if (path === '')
    throw new UnsupportedDatabaseError(
      `The database URL "${SQLITE}" names no file. Write sqlite:PATH, for example sqlite:data/tidemark.db.`,
    );
  return Object.freeze({ kind: 'sqlite', path });
}

const isPostgresUrl = (text: string): boolean => /^postgres(ql)?:\/\//i.test(text);

/**
 * The parameters that an address may have after the `?`, by libpq's names
 * (https://www.postgresql.org/docs/current/libpq-connect.html).
 */
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'application_name', 'host', 'port'];
/** libpq's `allow` and `prefer` silently fall back to no encryption, so they are not offered. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

/** @throws {UnsupportedDatabaseError} when the address is not a usable PostgreSQL address */
export function postgresAt(text: string, access: Partial<PostgresAccess> = {}): PostgresLocation {
  const url = URL.canParse(text) ? new URL(text) : null;
  const trouble = url === null ? null : troubleWith(url);
  if (url === null || trouble !== null)
    throw new UnsupportedDatabaseError(
      `The address of the PostgreSQL database ${trouble ?? 'cannot be read'}. Write ${POSTGRES_URL}`,
      trouble,
    );
  const password = url.password === '' ? null : new Secret(decoded(url.password));
  url.password = '';
  return Object.freeze({ kind: 'postgres', url: url.href, password, ...DEFAULT_ACCESS, ...access });
}

/** What makes an address unusable; null when nothing does. Of a parameter only the name is repeated. */
function troubleWith({ pathname, hostname, searchParams }: URL): string | null {
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined)
    return (
      `has a parameter "${boundedText(unknown, 40)}", which Tidemark does not know ` +
      `(it knows ${PARAMETERS.join(', ')})`
    );
  const mode = searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode)) return 'has an sslmode that Tidemark does not offer';
  if (pathname.length < 2) return 'names no database';
  return hostname === '' && !searchParams.has('host') ? 'names no host' : null;
}

/** A percent sign that was not encoded stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** This machine: a loopback address, its name, or the folder of a Unix socket. */
const HERE = /^(localhost|127\.[\d.]+|\[?::1\]?|\/.*|)$/i;

/**
 * The host to which a connection goes without encryption and without saying so; null when it is this machine,
 * encrypted, or says `disable`.
 */
export function hostInPlainText({ url, caFile }: Pick<PostgresLocation, 'url' | 'caFile'>): string | null {
  const { hostname, searchParams } = new URL(url);
  if (caFile !== null || searchParams.has('sslmode') || searchParams.has('sslrootcert')) return null;
  const host = searchParams.get('host') ?? decoded(hostname);
  return HERE.test(host) ? null : host;
}

/** Only the scheme is repeated: the rest of a URL may hold a password. */
function unsupported(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase();
  return (
    `The database URL ${scheme === undefined ? 'has no scheme' : `begins with "${scheme}"`}, ` +
    `which is not supported. Write sqlite:PATH, for example sqlite:data/tidemark.db, or ${POSTGRES_URL}.`
  );
}
