import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What becomes of one answer. */
export type Fault =
  /** The server's own refusal, in S3's form. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  /** Nothing is ever answered. */
  | { readonly kind: 'silent' }
  /** Half of the body comes, and then nothing. */
  | { readonly kind: 'stalled' }
  /** Half of the body comes, and the connection breaks. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'reset' }
  /** The body is another one, of the same length. */
  | { readonly kind: 'altered' };

/** Stands before an HTTP server and spoils answers. Requests are handed on as they are: their signatures stay good. */
export class FaultyProxy {
  /** Which answers to spoil. */
  fault: (request: { readonly method: string; readonly path: string }) => Fault | null = () => null;
  /** Requests that came in. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async before(target: string): Promise<FaultyProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port');
    const proxy = new FaultyProxy(server, `http://127.0.0.1:${address.port}`);
    server.on(
      'request',
      (incoming, outgoing) => void proxy.#serve(new URL(target), incoming, outgoing).catch(() => outgoing.destroy()),
    );
    return proxy;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve({ hostname, port }: URL, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = incoming;
    this.requests.push(`${method} ${path}`);
    const sent = await bytesOf(incoming);
    const fault = this.fault({ method, path });
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'reset') return void outgoing.destroy();
    if (fault?.kind === 'status')
      return void outgoing
        .writeHead(fault.status, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>x</Message></Error>`);

    const asked = request({ hostname, port, method, path, headers });
    asked.end(sent);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const body = await bytesOf(answer);
    const { 'transfer-encoding': _encoding, ...kept } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 502, {
      ...kept,
      ...(method === 'HEAD' || answer.statusCode === 204 ? {} : { 'content-length': body.length }),
    });
    if (fault === null || method === 'HEAD') return void outgoing.end(body);
    if (fault.kind === 'altered') return void outgoing.end(body.map((byte) => byte ^ 1));
    outgoing.write(body.subarray(0, body.length >> 1), () => fault.kind === 'cut' && outgoing.destroy());
  }
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
