import { parse } from 'pg-connection-string';

/** What may stand in an address after the `?`: libpq's names (https://www.postgresql.org/docs/current/libpq-connect.html). */
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'application_name', 'host', 'port'];
/** libpq's `allow` and `prefer` fall back to no encryption at all without a word, so they are not offered. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

const DEFAULT_PORT = 5432;

/** An address with the password taken out, so that it can be shown. */
export interface PostgresAddress {
  readonly url: string;
  readonly password: string | null;
}

/** Where a connection goes, and how it is encrypted. */
export interface PostgresTarget {
  readonly user: string | undefined;
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly ssl: false | object;
  readonly application_name: string;
}

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text);
}

/** @returns null when the text is no address of a PostgreSQL database that can be used: a name is missing, or a parameter unknown */
export function readPostgresUrl(text: string): PostgresAddress | null {
  if (!isPostgresUrl(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const { searchParams } = url;
  const mode = searchParams.get('sslmode');
  if ([...searchParams.keys()].some((name) => !PARAMETERS.includes(name))) return null;
  if (mode !== null && !SSL_MODES.includes(mode)) return null;
  if (url.pathname.length < 2 || (url.hostname === '' && !searchParams.has('host'))) return null;
  const password = url.password === '' ? null : decoded(url.password);
  url.password = '';
  return { url: url.href, password };
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

/** The host to which an address connects without encryption and without saying so; null when it is this machine, encrypted, or says `disable`. */
export function hostInPlainText(address: string, caFile: string | null): string | null {
  const { hostname, searchParams } = new URL(address);
  if (caFile !== null || searchParams.has('sslmode') || searchParams.has('sslrootcert')) return null;
  const host = searchParams.get('host') ?? decoded(hostname);
  return HERE.test(host) ? null : host;
}

/**
 * Reads an address as libpq does: `require` encrypts and verifies only against a CA that is named, `verify-full` verifies the host's name too.
 *
 * @param caFile stands for `sslrootcert`; without an `sslmode` it means `verify-full`
 * @throws {Error} when a file that is named cannot be read
 */
export function postgresTarget(address: string, caFile: string | null): PostgresTarget {
  const url = new URL(address);
  if (caFile !== null) url.searchParams.set('sslrootcert', caFile);
  if (url.searchParams.has('sslrootcert') && !url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'verify-full');
  const { user, host, port, database, ssl, application_name: applicationName = 'tidemark' } = parse(url.href, { useLibpqCompat: true });
  return {
    user: user === '' ? undefined : user,
    host: host ?? 'localhost',
    port: Number(port) || DEFAULT_PORT,
    database: database ?? '',
    ssl: typeof ssl === 'object' ? ssl : false,
    application_name: applicationName,
  };
}
