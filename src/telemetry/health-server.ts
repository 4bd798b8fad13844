import { createServer, type ServerResponse } from 'node:http';

import type { ListenAddress } from '../config/telemetry-variables.ts';
import { closeAtOnce, listen, type ListeningAt } from '../host/listen.ts';
import { isLoopback, refusalOf, type RequestGuard } from '../model/request-guard.ts';

/** Whether a program is healthy or ready; if not, all reasons. A reason must contain nothing private. */
export interface HealthVerdict {
  readonly ok: boolean;
  readonly status: string;
  readonly reasons: readonly string[];
}

/** Answers the two routes. The methods never throw. */
export interface HealthSource {
  /** Whether the process should keep running. Nothing outside the process counts. */
  healthy(): HealthVerdict;
  /** Whether the process can work now. */
  ready(): Promise<HealthVerdict>;
}

export interface HealthServer extends ListeningAt {
  close(): Promise<void>;
}

/**
 * Answers `/healthz` and `/readyz` with JSON: 200, or 503 with the reasons. On loopback, requests from pages in
 * browsers are refused. On other addresses, probes may use any host name.
 *
 * @throws {Error} when the address cannot be listened on
 * @see https://kubernetes.io/docs/concepts/workloads/pods/probes/
 */
export async function startHealthServer({
  address,
  source,
}: {
  address: ListenAddress;
  source: HealthSource;
}): Promise<HealthServer> {
  const routes: Readonly<Record<string, () => HealthVerdict | Promise<HealthVerdict>>> = {
    '/healthz': () => source.healthy(),
    '/readyz': () => source.ready(),
  };
  const guard: RequestGuard | null = isLoopback(address.host) ? { hosts: [], origins: [] } : null;
  const server = createServer((request, response) => {
    request.resume();
    if (guard !== null && refusalOf({ method: request.method ?? '', headers: request.headers }, guard) !== null)
      return answer(response, 403, { status: 'refused' });
    const route = routes[request.url?.split('?')[0] ?? ''];
    if (route === undefined) return answer(response, 404, { status: 'not found' });
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, { status: 'method not allowed' });
    void (async () => {
      const { ok, status, reasons } = await route();
      answer(response, ok ? 200 : 503, reasons.length === 0 ? { status } : { status, reasons });
    })();
  });
  const at = await listen(server, address);
  return { ...at, close: () => closeAtOnce(server) };
}

function answer(response: ServerResponse, code: number, body: object): void {
  response
    .writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(body)}\n`);
}
