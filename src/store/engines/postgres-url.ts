import { parse } from 'pg-connection-string';

const DEFAULT_PORT = 5432;

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

/**
 * Reads an address as libpq does: `require` encrypts, and verifies only if a CA is named; `verify-full` verifies the
 * host name as well.
 *
 * @param caFile stands for `sslrootcert`; without an `sslmode` it means `verify-full`
 * @throws {Error} when a named file cannot be read
 */
export function postgresTarget(address: string, caFile: string | null): PostgresTarget {
  const url = new URL(address);
  if (caFile !== null) url.searchParams.set('sslrootcert', caFile);
  if (url.searchParams.has('sslrootcert') && !url.searchParams.has('sslmode'))
    url.searchParams.set('sslmode', 'verify-full');
  const {
    user,
    host,
    port,
    database,
    ssl,
    application_name: applicationName = 'tidemark',
  } = parse(url.href, { useLibpqCompat: true });
  return {
    user: user === '' ? undefined : user,
    host: host ?? 'localhost',
    port: Number(port) || DEFAULT_PORT,
    database: database ?? '',
    ssl: typeof ssl === 'object' ? ssl : false,
    application_name: applicationName,
  };
}
