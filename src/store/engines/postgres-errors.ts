import { codeOf } from '../../model/error-code.ts';
import { StoreError } from './store-error.ts';

const NO_TABLE = '42P01';

/** What went wrong, by SQLSTATE or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: Readonly<Record<string, string>> = {
  '08': 'broke off the connection; the next call opens another one',
  '22P05': 'is not in UTF-8; make one with: create database NAME encoding utf8 template template0',
  '25006': 'is read-only: a standby, or a primary that was demoted; name the primary in DATABASE_URL',
  '25P03': 'gave up a transaction that stood still for a minute',
  '28P01': 'refuses the password; check DATABASE_URL, or the file that DATABASE_PASSWORD_FILE names',
  '28':
    "does not let this user in; check the user in DATABASE_URL and the server's pg_hba.conf. " +
    'If it demands encryption, add ?sslmode=require',
  '3D000': 'does not exist; create it, or name another in DATABASE_URL',
  '42501':
    'does not allow this user what Tidemark needs; make the user its owner, ' +
    'or grant it CREATE on the database and everything in the schemas tidemark and tidemark_credentials',
  [NO_TABLE]: "lacks a table of Tidemark's; restore it, or migrate the database",
  '53100': 'could not be written: the disk is full; make room',
  '53200': 'could not be used: the server is out of memory',
  '53300':
    'has no connection left; raise max_connections, or lower DATABASE_POOL_SIZE ' +
    '(each worker and each command opens that many at most)',
  '53': "has run out of something; see the server's log",
  '55P03': 'is locked by another writer',
  '57014': 'cancelled a query; if that recurs, raise the statement_timeout of this user',
  '57': 'is shutting down or starting up, or an administrator ended the connection',
  '58': "could not be read or written (the server's disk); check the disk",
  XX: "is damaged, or its server has a defect; see the server's log",
};
/** Serialization failure and deadlock: the transaction did nothing, and may succeed when it is repeated. */
const TRY_AGAIN: readonly unknown[] = ['40001', '40P01'];
const FOREIGN_KEY = '23503';

const UNKNOWN_AUTHORITY =
  "has a certificate that no known authority signed; name the authority's file in DATABASE_CA_FILE";

/** What went wrong, by the error code of the operating system or of TLS. */
const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is not there: nothing listens at that address; start it, or name another in DATABASE_URL',
  ENOTFOUND: 'cannot be found: no such host; check DATABASE_URL',
  EAI_AGAIN: 'cannot be found now: the name server does not answer',
  ETIMEDOUT: 'does not answer',
  EHOSTUNREACH: 'cannot be reached; check the network',
  ENETUNREACH: 'cannot be reached; check the network',
  ECONNRESET: 'broke off the connection; the next call opens another one',
  EPIPE: 'broke off the connection; the next call opens another one',
  ENOENT: 'cannot be used: a socket or a file that was named is not there',
  EACCES: 'cannot be used: a socket or a file that was named may not be read',
  CERT_HAS_EXPIRED: 'has a certificate that has expired; renew it',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'has a certificate for another host; check the host in DATABASE_URL, or use sslmode=verify-ca',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
};

/** Errors that the driver identifies only by their text. */
const BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/, 'does not offer encryption; turn it on at the server, or use sslmode=disable'],
  [
    /timeout exceeded when trying to connect/,
    'does not answer, or all connections of the pool are in use; raise DATABASE_POOL_SIZE',
  ],
  [
    /connection terminated|connection error and is not queryable|connection timeout|connection has been discarded/i,
    'broke off the connection; the next call opens another one',
  ],
  [
    /password must be a string|no pg_hba|SASL/i,
    'asks for a password; put it into DATABASE_URL, or into a file that DATABASE_PASSWORD_FILE names',
  ],
  [/after calling end on the pool|driver has already been destroyed/, 'was closed'],
  [
    /SECURITY WARNING: Using sslmode=verify-ca/,
    "cannot be verified: sslmode=verify-ca needs the authority's file in DATABASE_CA_FILE",
  ],
];

/** Whether the database gave up a transaction in favour of another one. */
export function isGivenUp(error: unknown): boolean {
  return TRY_AGAIN.includes(codeOf(error));
}

/** What an error of the driver means to the store; errors that say nothing about the database come back as they are. */
export function translatePostgresError(error: unknown, name: string): unknown {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  if (code === FOREIGN_KEY)
    return new StoreError({ kind: 'lost' }, `A mailbox was removed from the ${name} while it was written to.`, {
      cause: error,
    });
  const reason = reasonOf(code, error);
  return reason === undefined
    ? error
    : new StoreError({ kind: 'unavailable' }, `The ${name} ${reason}.`, {
        cause: error,
        remedy: code === NO_TABLE ? { kind: 'migrate' } : null,
      });
}

function reasonOf(code: string | undefined, error: unknown): string | undefined {
  if (code !== undefined) {
    if (TRY_AGAIN.includes(code)) return 'kept giving up a transaction in favour of others';
    const known = BY_STATE[code] ?? BY_CODE[code] ?? (code.length === 5 ? BY_STATE[code.slice(0, 2)] : undefined);
    if (known !== undefined) return known;
  }
  const text = error instanceof Error ? error.message : '';
  return BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
}
