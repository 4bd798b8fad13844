import { createDeliveryActivities, type WorkerDependencies } from '../activities/create-activities.ts';
import { createSessionFactory } from '../activities/sessions.ts';
import { openDatabase } from '../app/open-database.ts';
import type { Config } from '../config/config.ts';
import { priceTableOf } from '../config/quota-variables.ts';
import { configFor } from '../config/running-start.ts';
import { DeliverySlots } from '../deliveries/delivery-slots.ts';
import { handlerTargets } from '../deliveries/handler-target.ts';
import { lastingListening } from '../deliveries/lasting-listening.ts';
import { registerHandlers } from '../deliveries/register-handlers.ts';
import { webhookTargets } from '../deliveries/webhook-target.ts';
import { createWebhookSender, type WebhookSender } from '../deliveries/webhooks/send-webhook.ts';
import { readWebhookSecrets } from '../deliveries/webhooks/stored-secrets.ts';
import { AccessRevokedError, type TokenProvider } from '../gmail/access/token-provider.ts';
import { withDates } from '../gmail/api/gmail-date.ts';
import { GoogleClock } from '../gmail/api/google-clock.ts';
import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { Log } from '../host/log.ts';
import { systemClock } from '../host/system-clock.ts';
import type { Clock } from '../model/clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import { hostInPlainText } from '../model/database-location.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { Reader } from '../reading/open-reader.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { Stores } from '../store/open-store.ts';
import { openTracing, type Tracing } from '../telemetry/open-tracing.ts';
import { telemetryOf } from '../telemetry/runtime.ts';
import type { WorkerRequest } from './worker-request.ts';

/** What a worker works with. */
export interface WorkerMeans {
  readonly clock: Clock;
  /** The clock of activities and housekeeping, which shows Google's time once Google has answered. */
  readonly googleClock: GoogleClock;
  readonly tracing: Tracing | null;
  readonly telemetry: Telemetry;
  readonly secretKeys: Awaited<ReturnType<typeof secretKeysOf>>;
  readonly stores: Stores;
  readonly reader: Reader;
  readonly closeDatabase: () => Promise<void>;
  readonly network: ReturnType<typeof createUndiciTransport>;
  readonly webhooks: WebhookSender;
}

export async function openMeans({ config, log, clock = systemClock, telemetry }: WorkerRequest): Promise<WorkerMeans> {
  const tracing = await openTracing(config.tracing);
  const secretKeys = await secretKeysOf(config, clock);
  const database = await openDatabase(config);
  warnOfPlainText(config, log);
  return {
    clock,
    googleClock: new GoogleClock(clock, () => performance.now()),
    tracing,
    telemetry: telemetry ?? {
      ...telemetryOf(config.telemetry),
      ...(tracing === null ? {} : { span: tracing.span }),
    },
    secretKeys,
    stores: database.stores,
    reader: database.reader,
    closeDatabase: () => database.close(),
    network: createUndiciTransport(),
    webhooks: createWebhookSender({ clock, allowedNetworks: config.webhooks.allowedNetworks }),
  };
}

/** The activities that deliver to webhooks and, where the worker has handlers, to these. */
export interface DeliveryActivities {
  readonly webhooks: ReturnType<typeof createDeliveryActivities>;
  readonly handlers: ReturnType<typeof createDeliveryActivities> | null;
}

export function dependenciesOf(
  { config, log, tokenProvider }: WorkerRequest,
  { googleClock, telemetry, secretKeys, stores, network }: WorkerMeans,
  skew: ClockSkew,
): WorkerDependencies {
  const shared = {
    prices: priceTableOf(config, googleClock),
    userShare: config.quota.userShare,
    clock: googleClock,
    telemetry,
  };
  const openSession = createSessionFactory({
    ...stores,
    ...shared,
    secretKeys,
    tokenProvider: tokenProvider === undefined ? undefined : logged(tokenProvider, log),
    transport: withDates(network.transport, (date) => {
      googleClock.hear(date);
      skew.seen('gmail', date);
    }),
    // A mailbox that npm start simulates in another process uses that process's simulator.
    googleOf: (mailbox) => {
      const { gmailRootUrl, googleTokenUrl } = configFor(config, mailbox);
      return { rootUrl: gmailRootUrl, tokenUrl: googleTokenUrl };
    },
  });
  return { ...shared, store: stores.store, openSession, pushTopic: config.push.topic, skew };
}

/**
 * Logs what the provider throws. The error's text may hold secrets, so it goes to neither the database nor Temporal.
 */
function logged(provider: TokenProvider, log: Log): TokenProvider {
  return async (mailbox, request) => {
    try {
      return await provider(mailbox, request);
    } catch (error) {
      if (!(error instanceof AccessRevokedError) && !request.signal.aborted)
        log.warn({ mailbox, error }, 'the token provider failed; it is asked again');
      throw error;
    }
  };
}

/** Makes the subscriptions of this worker's handlers. A worker without handlers delivers only to webhooks. */
export async function deliveryActivitiesOf(
  { handlers = {} }: WorkerRequest,
  { reader, telemetry, stores, secretKeys: keys, webhooks: sender, googleClock: clock }: WorkerMeans,
  deps: WorkerDependencies,
): Promise<DeliveryActivities> {
  const { store, credentials, database } = stores;
  const changes = lastingListening(database.changes);
  const means = { store, changes, clock, reader, telemetry, slots: new DeliverySlots() };
  const secretsOf = (subscription: string) => readWebhookSecrets({ credentials, keys }, subscription);
  const webhooks = createDeliveryActivities(deps, {
    ...means,
    to: 'webhook',
    targetOf: webhookTargets({ ...means, sender, secretsOf }),
  });
  if (Object.keys(handlers).length === 0) return { webhooks, handlers: null };
  await registerHandlers({ store, clock, handlers, isPostgres: database.dialect.name === 'postgres' });
  const targetOf = handlerTargets(means, handlers);
  return { webhooks, handlers: createDeliveryActivities(deps, { ...means, to: 'handler', targetOf }) };
}

function warnOfPlainText({ database: { location } }: Config, log: Log): void {
  const host = location.kind === 'postgres' ? hostInPlainText(location) : null;
  if (host !== null)
    log.warn(
      { host },
      'the connection to PostgreSQL is not encrypted: add ?sslmode=verify-full to DATABASE_URL, ' +
        'or ?sslmode=disable where the network is trusted',
    );
}
