import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect,
  createSecureServer,
  type ClientHttp2Session,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { join } from 'node:path';

import { passOn, refuse } from '../fixtures/temporal/pass-on.ts';

/** Files in PEM form, made for one test. */
export interface Certificates {
  readonly authority: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  /** Signed by an authority that the gate does not know. */
  readonly stranger: { readonly cert: string; readonly key: string };
}

export const SERVER_NAME = 'namespace.a1b2c.tmprl.cloud';

/** Makes an authority for one test, and the certificates that it signs. */
export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  const signed = (name: string, by: string): { cert: string; key: string } => {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=DNS:${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${by}.pem`,
      '-CAkey',
      `${by}.key`,
      '-CAcreateserial',
      '-days',
      '2',
      '-copy_extensions',
      'copy',
      '-out',
      `${name}.pem`,
    );
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  };
  authority('authority');
  authority('other-authority');
  return {
    authority: join(folder, 'authority.pem'),
    server: signed(SERVER_NAME, 'authority'),
    client: signed('client', 'authority'),
    stranger: signed('stranger', 'other-authority'),
  };
}

export type Admission = { readonly kind: 'client-certificate' } | { readonly kind: 'api-key'; readonly key: string };

/** gRPC: permission denied, unauthenticated. */
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
/** A call that Temporal Cloud refuses to ordinary callers, because its own tools set up namespaces. */
const BARRED = /OperatorService\/AddSearchAttributes$/;

/** Plays Temporal Cloud's front door for a real server: TLS, and callers admitted by certificate or by API key. */
export class TemporalGate {
  readonly address: string;
  /** Calls that came through. */
  admitted = 0;
  refused = 0;
  readonly #server: Http2SecureServer;
  readonly #upstream: ClientHttp2Session;
  readonly #sessions: Set<ServerHttp2Session>;

  private constructor(
    server: Http2SecureServer,
    upstream: ClientHttp2Session,
    sessions: Set<ServerHttp2Session>,
    port: number,
  ) {
    this.#server = server;
    this.#upstream = upstream;
    this.#sessions = sessions;
    this.address = `127.0.0.1:${port}`;
  }

  static async open({
    upstream,
    certificates,
    admission,
  }: {
    upstream: string;
    certificates: Certificates;
    admission: Admission;
  }): Promise<TemporalGate> {
    const server = createSecureServer({
      cert: readFileSync(certificates.server.cert),
      key: readFileSync(certificates.server.key),
      ca: readFileSync(certificates.authority),
      requestCert: admission.kind === 'client-certificate',
      rejectUnauthorized: admission.kind === 'client-certificate',
    });
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session)).on('error', () => undefined);
    });
    const behind = connect(`http://${upstream}`);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const gate = new TemporalGate(
      server,
      behind,
      sessions,
      typeof address === 'object' && address !== null ? address.port : 0,
    );
    server.on('stream', (stream, headers) => gate.#pass(stream, headers, admission));
    return gate;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#upstream.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, admission: Admission): void {
    stream.on('error', () => undefined);
    const refusal = refusalOf(headers, admission);
    if (refusal !== null) {
      this.refused += 1;
      refuse(stream, refusal);
      return;
    }
    this.admitted += 1;
    stream.pipe(passOn(stream, headers, this.#upstream));
  }
}

function refusalOf({ ':path': path = '', authorization }: IncomingHttpHeaders, admission: Admission): number | null {
  if (admission.kind === 'api-key' && authorization !== `Bearer ${admission.key}`) return UNAUTHENTICATED;
  return BARRED.test(path) ? PERMISSION_DENIED : null;
}
