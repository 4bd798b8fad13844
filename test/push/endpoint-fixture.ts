import { createEndpoint } from '../../src/push/endpoint.ts';
import { createTokenVerifier } from '../../src/push/google-token.ts';
import { startHttpServer, type HttpServer } from '../../src/host/http-server.ts';
import { Receiver, type NotificationOutcome } from '../../src/push/receiver.ts';
import { createLog } from '../../src/host/log.ts';
import type { HistoryId, MailboxId } from '../../src/model/ids.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { AUDIENCE, Google, SERVICE_ACCOUNT } from '../fixtures/gmail/google.ts';

export interface Poked {
  readonly mailbox: MailboxId;
  readonly historyId: HistoryId | null;
}

/** The real endpoint over HTTP. A list of pokes stands in for Temporal. */
export class TestEndpoint {
  readonly google: Google;
  readonly pokes: Poked[] = [];
  readonly outcomes: NotificationOutcome[] = [];
  /** How Temporal takes a poke: a rejection fails it. */
  accept: (mailbox: MailboxId) => Promise<void> = async () => undefined;
  #server: HttpServer | null = null;

  private constructor(google: Google) {
    this.google = google;
  }

  static async start(): Promise<TestEndpoint> {
    const endpoint = new TestEndpoint(await Google.start());
    const log = createLog('silent');
    const receiver = new Receiver({
      poke: async (mailbox, historyId) => {
        await endpoint.accept(mailbox);
        endpoint.pokes.push({ mailbox, historyId });
      },
      count: (outcome) => endpoint.outcomes.push(outcome),
      log,
    });
    const verify = createTokenVerifier({
      keysUrl: endpoint.google.keysUrl,
      audience: AUDIENCE,
      serviceAccount: SERVICE_ACCOUNT,
      clock: systemClock,
    });
    const app = createEndpoint({ receiver, verify, notReady: async () => null, log });
    endpoint.#server = await startHttpServer({
      app,
      port: 0,
      host: '127.0.0.1',
      tls: null,
      guard: null,
      clock: systemClock,
    });
    return endpoint;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  /** @param token - null sends none */
  async post(body: string, token: string | null): Promise<number> {
    const response = await fetch(`${this.url}/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      body,
    });
    await response.arrayBuffer();
    return response.status;
  }

  async close(): Promise<void> {
    await this.#server?.close();
    await this.google.close();
  }
}
