import type { SimulatorRequest, SimulatorResponse } from '../../src/simulator/http.ts';
import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator.ts';

/** A call as it arrived, by itself or as a part of a batch. */
interface Arrival {
  readonly at: number;
  readonly path: string;
}

const PART = /^GET (\/gmail\/v1\/users\/\S+)/gm;
const BODY = /\/messages\/([0-9a-f]+)\?format=(?:raw|full)/;

/** A simulator that remembers the calls it received and its refusals of history. */
export class WatchedSimulator extends Simulator {
  readonly arrivals: Arrival[] = [];
  /** How often history.list was answered with 404, by mailbox. */
  readonly expired = new Map<string, number>();
  /** How many requests arrived, including those for tokens, by mailbox. */
  readonly requests = new Map<string, number>();
  /** Access tokens that were used. */
  readonly tokens = new Set<string>();
  /** The owner of each token. Each full sync begins with getProfile, whose answer names the owner. */
  readonly #owners = new Map<string, string>();

  constructor(options: SimulatorOptions) {
    super(options);
    const answer = this.transport;
    Object.defineProperty(this, 'transport', {
      value: async (request: SimulatorRequest): Promise<SimulatorResponse> => {
        this.#note(request);
        const response = await answer(request);
        this.#noteAnswer(request, response);
        return response;
      },
    });
  }

  /** How often the body of each message was asked for by messages.get. */
  fetches(): Map<string, number> {
    const fetches = new Map<string, number>();
    for (const { path } of this.arrivals) {
      const id = BODY.exec(path)?.[1];
      if (id !== undefined) fetches.set(id, (fetches.get(id) ?? 0) + 1);
    }
    return fetches;
  }

  /** How many bodies were asked for at `time` (epoch ms) or later. */
  bodiesAskedSince(time: number): number {
    return this.arrivals.filter(({ at, path }) => at >= time && BODY.test(path)).length;
  }

  #note(request: SimulatorRequest): void {
    const { url, body } = request;
    const at = this.clock.now();
    const token = /^Bearer (.+)$/.exec(request.headers['authorization'] ?? '')?.[1];
    if (token !== undefined) this.tokens.add(token);
    const email = this.#ownerOf(request);
    this.requests.set(email, (this.requests.get(email) ?? 0) + 1);
    if (!url.startsWith('/batch')) this.arrivals.push({ at, path: url });
    else for (const [, path = ''] of (body ?? '').toString().matchAll(PART)) this.arrivals.push({ at, path });
  }

  #ownerOf({ url, headers, body }: SimulatorRequest): string {
    if (url !== '/token') return this.#owners.get(headers['authorization'] ?? '') ?? 'unknown';
    const token = new URLSearchParams((body ?? '').toString()).get('refresh_token');
    return this.mailboxes().find(({ email }) => this.credentialsFor(email).refresh_token === token)?.email ?? 'unknown';
  }

  #noteAnswer(request: SimulatorRequest, { status, body }: SimulatorResponse): void {
    const { url, headers } = request;
    const owner =
      status === 200 && url.includes('/profile') ? /"emailAddress": *"([^"]+)"/.exec(body.toString())?.[1] : undefined;
    if (owner !== undefined) this.#owners.set(headers['authorization'] ?? '', owner);
    if (status !== 404 || !url.includes('/history?')) return;
    const email = this.#ownerOf(request);
    this.expired.set(email, (this.expired.get(email) ?? 0) + 1);
  }
}
