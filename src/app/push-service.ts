import { readFile } from 'node:fs/promises';

import { Connection } from '@temporalio/client';

import { isUnreachable } from '../client/temporal-errors.ts';
import { MailboxPoker } from '../client/mailbox-poker.ts';
import type { Config } from '../config/config.ts';
import { CannotDoError, UsageError } from '../model/program-errors.ts';
import type { Log } from '../host/log.ts';
import { requireInstalled } from '../host/optional-packages.ts';
import type { Clock } from '../model/clock.ts';
import { noTelemetry, type Telemetry } from '../model/telemetry.ts';
import { temporalAddressOf, temporalClientOf } from '../temporal/connect.ts';
import { createEndpoint } from '../push/endpoint.ts';
import { createTokenVerifier, type TokenVerifier } from '../push/google-token.ts';
import { startHttpServer, type HttpServer } from '../host/http-server.ts';
import type { Puller } from '../push/pull.ts';
import { NOTIFICATION_OUTCOMES, Receiver } from '../push/receiver.ts';
import { systemClock } from '../host/system-clock.ts';
import { openTracing } from '../telemetry/open-tracing.ts';
import { installRuntime, telemetryOf } from '../telemetry/runtime.ts';

export interface PushServiceRequest {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  /** Port and address of the endpoint (0 takes a free port); null serves no endpoint. */
  readonly listen: { readonly port: number; readonly host: string } | null;
  /** True pulls from `PUSH_SUBSCRIPTION`. */
  readonly pull: boolean;
  /** Counts notifications by their outcome. */
  readonly telemetry?: Telemetry;
}

/** Proxies may give the endpoint any name, and Google identifies itself by its tokens. */
const ANY_HOST = null;

export interface PushService {
  /** Address of the endpoint; null when none is served. */
  readonly url: string | null;
  /** Rejects when the subscription can no longer be read. Resolves after {@link PushService.stop}. */
  readonly ended: Promise<void>;
  /** Answers 503 on `/readyz`, accepts nothing more, answers what is under way, and ends within 10 seconds. */
  stop(): Promise<void>;
}

/**
 * Receives Gmail's notifications, by an endpoint, by pull, or both, and signals the mailboxes' workflows. It may start
 * before Temporal does, needs no database, and any number of instances may run beside each other.
 *
 * @throws {UsageError} when the configuration lacks what was asked for
 * @throws {CannotDoError} when the certificate cannot be read, or Pub/Sub's client is not installed
 * @throws {SecretKeyError} when payloads are to be encrypted and there is no usable key
 * @throws {Error} when the port is taken
 */
export async function startPushService({
  config,
  log,
  clock = systemClock,
  listen,
  pull,
  telemetry = noTelemetry,
}: PushServiceRequest): Promise<PushService> {
  const { temporal } = config;
  const verify = listen === null ? null : verifierOf(config, clock, pull);
  const subscription = pull ? subscriptionOf(config) : null;
  const tls = listen === null ? null : await readCertificate(config);

  // Lazy: each call tries again, so the server may start later or restart.
  const connection = Connection.lazy({ ...temporal.options, address: temporalAddressOf(config) });
  const tracing = await openTracing(config.tracing);
  const poker = new MailboxPoker({ temporal: await temporalClientOf(config, { connection, clock, tracing }), clock });
  // Counters begin at zero: Prometheus sees no increase in a series that appears with its first count.
  for (const outcome of NOTIFICATION_OUTCOMES) telemetry.add('tidemark_notifications_total', 0, { outcome });
  const receiver = new Receiver({
    poke: (mailbox, historyId) => poker.poke(mailbox, historyId),
    count: (outcome) => telemetry.add('tidemark_notifications_total', 1, { outcome }),
    log,
  });
  let stopping = false;
  const trouble = troubleOf(poker, log);
  const notReady = async (): Promise<string | null> => (stopping ? 'stopping' : trouble());

  let server: HttpServer | null = null;
  let puller: Puller | null = null;
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all([server?.close(), puller?.close()]);
    await connection.close();
    await tracing?.flush();
  };
  try {
    if (listen !== null)
      server = await startHttpServer({
        app: createEndpoint({ receiver, verify, notReady, log }),
        ...listen,
        tls,
        guard: ANY_HOST,
        clock,
      });
    // Google's client takes half a second to load, and only pulling needs it.
    if (subscription !== null)
      puller = (await import('../push/pull.ts')).startPull({ subscription, receiver, log, clock });
  } catch (error) {
    await stop();
    throw error;
  }
  const stopped = Promise.withResolvers<void>();
  let stops: Promise<void> | null = null;
  return {
    url: server?.url ?? null,
    ended: Promise.race(puller === null ? [stopped.promise] : [stopped.promise, puller.ended]),
    stop: () => (stops ??= stop().finally(() => stopped.resolve())),
  };
}

/**
 * Says why Temporal cannot be reached, in words that anybody may read. The error itself names the server's address, so
 * it goes to the log, once.
 */
function troubleOf(poker: MailboxPoker, log: Log): () => Promise<string | null> {
  let reachable = true;
  return async () => {
    try {
      await poker.assertReachable();
      reachable = true;
      return null;
    } catch (error) {
      const trouble = isUnreachable(error) ? 'Temporal does not answer' : 'Temporal refuses calls';
      if (reachable) log.warn({ error }, `${trouble}: not ready`);
      reachable = false;
      return trouble;
    }
  };
}

/**
 * Without an audience and a service account, Google cannot be distinguished from anybody else. Only a service that also
 * pulls may lack both: it accepts no notifications over HTTP then.
 */
function verifierOf({ push }: Config, clock: Clock, pull: boolean): TokenVerifier | null {
  if (pull && push.audience === null && push.serviceAccount === null) return null;
  const audience = required(push.audience, 'PUSH_AUDIENCE', "the audience of the push subscription's tokens");
  const serviceAccount = required(
    push.serviceAccount,
    'PUSH_SERVICE_ACCOUNT',
    "the push subscription's service account",
  );
  return createTokenVerifier({ keysUrl: push.keysUrl, audience, serviceAccount, clock });
}

function subscriptionOf({ push }: Config): string {
  const subscription = required(push.subscription, 'PUSH_SUBSCRIPTION', 'the subscription to pull from');
  requireInstalled('pull');
  return subscription;
}

function required(value: string | null, name: string, what: string): string {
  if (value === null) throw new UsageError(`${name} is not set: name ${what} (docs/push.md says how it is made).`);
  return value;
}

async function readCertificate({ push }: Config): Promise<{ cert: Buffer; key: Buffer } | null> {
  const { tlsCertFile, tlsKeyFile } = push;
  if (tlsCertFile === null && tlsKeyFile === null) return null;
  if (tlsCertFile === null || tlsKeyFile === null)
    throw new UsageError('PUSH_TLS_CERT_FILE and PUSH_TLS_KEY_FILE are set together, or neither is.');
  try {
    return { cert: await readFile(tlsCertFile), key: await readFile(tlsKeyFile) };
  } catch (error) {
    throw new CannotDoError(
      'certificate',
      `The certificate cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }
}

export interface PushProgram extends PushServiceRequest {
  readonly signal: AbortSignal;
  readonly onRunning: (service: PushService) => void;
}

/**
 * Runs the service as a program until the signal aborts, with metrics if the configuration asks for them.
 *
 * @throws what {@link startPushService} throws; {CannotDoError} when the subscription can no longer be read
 */
export async function pushMain(request: PushProgram): Promise<void> {
  const { config, log } = request;
  if (config.telemetry.metricsAddress === null) return run(request);
  const runtime = installRuntime(log, config.telemetry);
  try {
    await run({ ...request, telemetry: telemetryOf(config.telemetry) });
  } finally {
    await runtime.shutdown();
  }
}

async function run(request: PushProgram): Promise<void> {
  const { signal, onRunning, log, config } = request;
  const service = await startPushService(request);
  const stop = (): void => {
    log.info('stopping: deliveries under way are answered, later ones are delivered again');
    void service.stop();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  onRunning(service);
  try {
    await service.ended;
  } catch (error) {
    throw new CannotDoError(
      'subscription',
      `Pub/Sub refuses the subscription ${config.push.subscription}: ` +
        (error instanceof Error ? error.message : String(error)),
      { cause: error },
    );
  } finally {
    await service.stop();
  }
}
