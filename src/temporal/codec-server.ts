import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { z } from 'zod';

import type { Payload, PayloadCodec } from '@temporalio/common';

import type { Clock } from '../model/clock.ts';
import { isJson } from '../model/request-guard.ts';
import { startHttpServer, type HttpServer } from '../host/http-server.ts';

const BASE64 = z.base64();
const BODY = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), BASE64).optional(), data: BASE64.optional() })),
});
/** The UI asks for one page of a history at a time. */
const MAX_BYTES = 16 * 2 ** 20;

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  /** Origins of the UI: pages from elsewhere get no answer. */
  readonly origins: readonly string[];
  /** Host names that requests may use, besides `localhost`, IP addresses and `host`. */
  readonly allowedHosts?: readonly string[];
  /** 0 takes a free port. */
  readonly port: number;
  readonly host: string;
  readonly clock: Clock;
}

/**
 * Decrypts payloads for Temporal's UI and CLI: `POST /decode`. It encrypts nothing, so that nobody can make payloads
 * through it.
 *
 * @throws {Error} when the port is taken
 * @see https://docs.temporal.io/production-deployment/data-encryption
 */
export function startCodecServer({
  codec,
  origins,
  allowedHosts = [],
  ...listen
}: CodecServerOptions): Promise<HttpServer> {
  const app = new Hono();
  app.use(
    '*',
    cors({
      origin: [...origins],
      allowMethods: ['POST'],
      allowHeaders: ['content-type', 'x-namespace', 'authorization'],
      credentials: true,
    }),
  );
  app.post('/decode', bodyLimit({ maxSize: MAX_BYTES }), async (context) => {
    if (!isJson(context.req.header('content-type')))
      return context.json({ message: 'expected the content type application/json' }, 415);
    const body = BODY.safeParse(await context.req.json().catch(() => null));
    if (!body.success)
      return context.json({ message: 'expected {"payloads": [{"metadata": …, "data": …}]} with base64 values' }, 400);
    try {
      return context.json({ payloads: (await codec.decode(body.data.payloads.map(fromJson))).map(toJson) });
    } catch {
      return context.json({ message: 'a payload cannot be decrypted with the keys at hand' }, 400);
    }
  });
  return startHttpServer({ app, tls: null, guard: { hosts: [listen.host, ...allowedHosts], origins }, ...listen });
}

interface JsonPayload {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly data?: string | undefined;
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'base64');
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function fromJson({ metadata = {}, data = '' }: JsonPayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, bytesOf(value)])),
    data: bytesOf(data),
  };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64Of(value)])),
    data: base64Of(data ?? new Uint8Array()),
  };
}
