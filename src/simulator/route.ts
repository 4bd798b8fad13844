import type { Clock } from '../model/clock.ts';
import { invalidArgument } from './api-error.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import type { MessageJson } from './message-json.ts';
import type { ApiMethod } from './method-prices.ts';
import type { Random } from './random.ts';
import type { Watches } from './watches.ts';

/** What a route needs to answer one API call. */
export interface RouteContext {
  readonly mailbox: SimulatedMailbox;
  /** The identifiers in the path, in order. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: CallBody;
  readonly isUnderMetadata: boolean;
  /** Whether what is not simulated is answered as well as can be, instead of with 501. */
  readonly isLenient: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly json: MessageJson;
  readonly watches: Watches;
  /** Finds another mailbox of this simulator, as a recipient of sent mail. */
  readonly mailboxOf: (email: string) => SimulatedMailbox | null;
}

/** JSON text, an object to be rendered as JSON, or null for 204. */
export type RouteResult = string | object | null;

export interface Route {
  readonly method: ApiMethod;
  answer(context: RouteContext): RouteResult;
}

/** Routes by HTTP method and path below `users/{userId}/`, with `*` for identifiers. */
export type RouteTable = Readonly<Record<string, Route>>;

/** A request's body: JSON fields, and the message of an upload. */
export class CallBody {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** The RFC 822 bytes of an upload; null when the request is not an upload. */
  readonly media: Buffer | null;

  constructor(fields: Readonly<Record<string, unknown>>, media: Buffer | null) {
    this.#fields = fields;
    this.media = media;
  }

  text(name: string): string | null {
    const value = this.#fields[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'string') throw invalidArgument(`Invalid value at '${name}' (TYPE_STRING)`);
    return value;
  }

  texts(name: string): readonly string[] {
    const value = this.#fields[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw invalidArgument(`Invalid value at '${name}' (TYPE_STRING)`);
    return value.map((item: unknown) => {
      if (typeof item !== 'string') throw invalidArgument(`Invalid value at '${name}' (TYPE_STRING)`);
      return item;
    });
  }

  /** A message inside the body, such as a draft's. */
  inner(name: string): CallBody {
    const value = this.#fields[name];
    return new CallBody(isFields(value) ? value : {}, this.media);
  }

  /** The RFC 822 bytes in the call, uploaded or as `raw`. */
  raw(): Buffer {
    const text = this.text('raw');
    const raw = this.media ?? (text === null ? null : Buffer.from(text, 'base64url'));
    if (raw === null || raw.length === 0)
      throw invalidArgument("'raw' RFC822 payload message string or uploading message via /upload/* URL required");
    return raw;
  }
}

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Google accepts `1` and `true`, in any case. */
export const flag = (text: string | null): boolean => text !== null && /^(1|true)$/i.test(text);

/** @throws {ApiError} 400 when the parameter is not a whole number */
export function maxResults(query: URLSearchParams, fallback: number, most: number): number {
  const text = query.get('maxResults');
  if (text === null) return fallback;
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument(`Invalid value at 'max_results' (TYPE_UINT32), "${text}"`);
  return Number(text) === 0 ? fallback : Math.min(Number(text), most);
}
