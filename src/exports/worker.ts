/**
 * `tidemark/worker`: runs the workflows and activities of mailboxes in a process of one's own.
 *
 * @packageDocumentation
 */
export type {
  DeliveredChanges,
  DeliveryContext,
  Handler,
  HandlerOptions,
  Handlers,
  HandlingOf,
  QueryWithin,
  TransactionContext,
} from '../deliveries/handler.ts';
export type { Beginning, ChangeFilter, DeliveryOrder, FilterOptions } from '../model/subscription.ts';
export { InvalidSubscriptionError } from '../model/subscription.ts';
export {
  CursorAheadError,
  CursorPrunedError,
  FeedError,
  FeedReplacedError,
  InvalidCursorError,
  type FeedCursor,
} from '../model/feed-cursor.ts';
export {
  EVENT_KINDS,
  type ConsentCode,
  type EventDetails,
  type EventKind,
  type SubscribedEvent,
} from '../model/subscribed-event.ts';
export {
  AccessRevokedError,
  type ProvidedToken,
  type TokenProvider,
  type TokenRequest,
} from '../gmail/access/token-provider.ts';
export type {
  Change,
  ChangedMessage,
  HeaderField,
  Label,
  Lacking,
  Message,
  DecodedHeaders,
  WhyGone,
} from '../reading/index.ts';
export type { Attachment } from '../reading/index.ts';
export type { Config } from '../config/config.ts';
export { ConfigError, type ConfigProblem } from '../config/config-error.ts';
export type { BodiesConfig } from '../config/body-variables.ts';
export type { DatabaseConfig } from '../config/database-variables.ts';
export type { DeploymentConfig } from '../config/deployment-variables.ts';
export type { PushConfig } from '../config/push-variables.ts';
export type { QuotaConfig } from '../config/quota-variables.ts';
export type { SecretsConfig } from '../config/secret-variables.ts';
export type { TemporalConnection } from '../config/temporal-connection.ts';
export type { TracingConfig } from '../config/tracing-variables.ts';
export type { WebhooksConfig } from '../config/webhook-variables.ts';
export { SecretKeyError } from '../secrets/secret-box.ts';
export type { DatabaseLocation, PostgresAccess, PostgresLocation, SqliteLocation } from '../model/database-location.ts';
export type { TelemetryConfig } from '../config/telemetry-variables.ts';
export type { Clock } from '../model/clock.ts';
export {
  InvalidIdError,
  type HistoryId,
  type LabelId,
  type MailboxId,
  type MessageId,
  type ThreadId,
} from '../model/ids.ts';
export type { MailAddress } from '../model/mail-address.ts';
export type { MessageFormat } from '../model/settings.ts';
export type { LogLevel } from '../model/log-level.ts';
export { createLog, type Log } from '../host/log.ts';
export {
  noTelemetry,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type Span,
  type SpanAttributes,
  type Telemetry,
} from '../model/telemetry.ts';
export { installRuntime } from '../telemetry/runtime.ts';
export { PluginError } from '../plugin/plugin-error.ts';
export { tidemarkPlugin } from '../plugin/tidemark-plugin.ts';
export type { CreateWorkerOptions } from '../hosting/worker-request.ts';
export { createWorker, type RunningWorker } from '../worker.ts';
export type { Remedy } from '../model/remedy.ts';
export {
  ERROR_CODES,
  TidemarkError,
  type TidemarkErrorCode,
  type TidemarkErrorOptions,
} from '../model/tidemark-error.ts';
export { NamespaceNotFoundError, ServerRefusedError, TemporalFailureError } from '../client/errors.ts';
export { CannotDoError, UsageError } from '../model/program-errors.ts';
export { StoreError, type StoreFailure } from '../store/engines/store-error.ts';
