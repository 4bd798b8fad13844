import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import type { AuthorizedUser } from '../../src/simulator/tokens.ts';
import { createVirtualClock, type VirtualClock } from '../virtual-clock.ts';

export const ADA = 'ada@example.com';

/** A parsed JSON answer. Tests name the fields that they read; a missing one shows as a failed expectation. */
export interface Reply<Body> {
  readonly status: number;
  readonly body: Body;
  readonly text: string;
}

export interface ErrorBody {
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly status: string;
    readonly errors: readonly { readonly reason: string; readonly domain: string }[];
  };
}

export interface IdPage {
  readonly messages?: readonly { readonly id: string; readonly threadId: string }[];
  readonly nextPageToken?: string;
  readonly resultSizeEstimate: number;
}

interface HistoryMessage {
  readonly message: { readonly id: string; readonly threadId: string; readonly labelIds?: readonly string[] };
  readonly labelIds?: readonly string[];
}

export interface HistoryBody {
  readonly history?: readonly {
    readonly id: string;
    readonly messages: readonly { readonly id: string }[];
    readonly messagesAdded?: readonly HistoryMessage[];
    readonly messagesDeleted?: readonly HistoryMessage[];
    readonly labelsAdded?: readonly HistoryMessage[];
    readonly labelsRemoved?: readonly HistoryMessage[];
  }[];
  readonly nextPageToken?: string;
  readonly historyId: string;
}

export interface MessageBody {
  readonly id: string;
  readonly threadId: string;
  readonly labelIds?: readonly string[];
  readonly historyId: string;
  readonly internalDate: string;
  readonly snippet: string;
  readonly sizeEstimate: number;
  readonly raw?: string;
  readonly payload?: PartBody;
}

export interface PartBody {
  readonly partId?: string;
  readonly mimeType: string;
  readonly filename?: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body?: { readonly size: number; readonly data?: string; readonly attachmentId?: string };
  readonly parts?: readonly PartBody[];
}

/** Calls the API as one signed-in user, in process. */
export class ApiUser {
  readonly #simulator: Simulator;
  #token = '';

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  async signIn(credentials: AuthorizedUser): Promise<this> {
    const { client_id, client_secret, refresh_token } = credentials;
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id, client_secret, refresh_token });
    const reply = await this.send<{ access_token: string }>('POST', '/token', form.toString());
    if (reply.status !== 200) throw new Error(`no token: ${reply.text}`);
    this.#token = reply.body.access_token;
    return this;
  }

  get<Body>(path: string, query: Readonly<Record<string, string | readonly string[]>> = {}): Promise<Reply<Body>> {
    const params = new URLSearchParams(
      Object.entries(query).flatMap(([name, value]) => [value].flat().map((text) => [name, text] as [string, string])),
    );
    return this.send('GET', `/gmail/v1/users/me/${path}?${params.toString()}`);
  }

  call<Body>(method: string, path: string, body?: object): Promise<Reply<Body>> {
    return this.send(method, `/gmail/v1/users/me/${path}`, body === undefined ? '' : JSON.stringify(body));
  }

  /** Every id that a listing answers, page after page. */
  async listAll(
    query: Readonly<Record<string, string | readonly string[]>> = {},
    betweenPages: () => void = () => {},
  ): Promise<string[]> {
    const ids: string[] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
      const { body }: Reply<IdPage> = await this.get<IdPage>('messages', { ...query, pageToken });
      ids.push(...(body.messages ?? []).map(({ id }) => id));
      pageToken = body.nextPageToken;
      if (pageToken !== undefined) betweenPages();
    }
    return ids;
  }

  async history(
    startHistoryId: string,
    query: Readonly<Record<string, string | readonly string[]>> = {},
  ): Promise<HistoryBody> {
    const { status, body, text } = await this.get<HistoryBody>('history', { startHistoryId, ...query });
    if (status !== 200) throw new Error(text);
    return body;
  }

  async batch(
    paths: readonly string[],
    path = '/batch/gmail/v1',
  ): Promise<{ status: number; text: string; parts: { contentId: string; status: number; json: string }[] }> {
    const parts = paths.map(
      (target, i) =>
        `--b\r\nContent-Type: application/http\r\nContent-ID: <item-${i}>\r\n\r\nGET /gmail/v1/users/me/${target} HTTP/1.1\r\n\r\n\r\n`,
    );
    const { status, text } = await this.send('POST', path, `${parts.join('')}--b--\r\n`, {
      'content-type': 'multipart/mixed; boundary="b"',
    });
    const found = text.matchAll(
      /Content-ID: <response-([^>]+)>\r\n\r\nHTTP\/1\.1 (\d+) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--/gs,
    );
    return {
      status,
      text,
      parts: [...found].map(([, contentId = '', code, json = '']) => ({ contentId, status: Number(code), json })),
    };
  }

  async send<Body>(
    method: string,
    path: string,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Body>> {
    const response = await this.#simulator.transport({
      method,
      url: this.#simulator.rootUrl + path,
      headers: { ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }), ...headers },
      body,
    });
    const text = response.body.toString('utf8');
    return {
      status: response.status,
      text,
      body: (response.headers['content-type']?.startsWith('application/json') === true ? JSON.parse(text) : {}) as Body,
    };
  }
}

export interface Fixture {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly mailbox: SimulatedMailbox;
  readonly user: ApiUser;
}

/** One empty mailbox, and its owner signed in. */
export async function openSimulator(options: Omit<SimulatorOptions, 'clock'> = {}): Promise<Fixture> {
  const clock = createVirtualClock();
  const simulator = new Simulator({ clock, ...options });
  const mailbox = simulator.addMailbox(ADA);
  const user = await clock.run(() => new ApiUser(simulator).signIn(simulator.credentialsFor(ADA)));
  simulator.usage.reset();
  return { clock, simulator, mailbox, user };
}

/** Plain messages, a minute apart, oldest first; answers their ids. */
export function fill(mailbox: SimulatedMailbox, count: number, labelIds: readonly string[] = ['INBOX']): string[] {
  const start = Date.UTC(2026, 0, 1);
  return Array.from(
    { length: count },
    (_, i) => mailbox.insert({ raw: plain(`Number ${i}`), labelIds, internalDate: start + i * 60_000 }).id,
  );
}

export function plain(subject: string, body = 'Hello'): string {
  return `From: Grace <grace@example.org>\r\nTo: ${ADA}\r\nSubject: ${subject}\r\n\r\n${body}\r\n`;
}
