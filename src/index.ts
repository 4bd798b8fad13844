/**
 * `tidemark`: what an application imports to command mailboxes and read what they hold. A reader without Temporal is in
 * `tidemark/reader`, workers are in `tidemark/worker`, a Gmail for tests in `tidemark/simulator`.
 *
 * @packageDocumentation
 */
export type { TidemarkClient } from './client/tidemark-client.ts';
export type { SyncOptions, SyncResult } from './client/request-sync.ts';
export type { StartedMailbox } from './client/checked-settings.ts';
export type { CountedSubscription, Deliveries } from './client/stored-deliveries.ts';
export type { DeliveriesClient, ReplayFrom } from './client/deliveries-client.ts';
export type { SubscribedWebhook, TestedWebhook, WebhookSubscription, WebhookTest } from './client/webhook-access.ts';
export { WEBHOOK_FIELDS, type WebhookField } from './model/webhook-field.ts';
export type {
  DeliveryCounts,
  DeliveryPosition,
  ParkedChange,
  ReplayedMailbox,
  ReplayedParked,
} from './store/subscriptions/subscription-store.ts';
export {
  InvalidSubscriptionError,
  type Beginning,
  type ChangeFilter,
  type DeliveryOrder,
  type DeliveryOrderChange,
  type FilterOptions,
  type Subscription,
  type SubscriptionDefinition,
  type SubscriptionTarget,
  type WebhookTarget,
} from './model/subscription.ts';
export {
  MailboxBlockedError,
  MailboxNotRunningError,
  MailboxSwampedError,
  MailboxUnknownError,
  NamespaceNotFoundError,
  OtherDatabaseError,
  RenameRefusedError,
  ServerRefusedError,
  ServerUnreachableError,
  SettingsRefusedError,
  TemporalFailureError,
} from './client/errors.ts';
export { RESUMABLE_PHASES, type BlockedPhase, type BlockReason } from './client/blocked-mailbox.ts';
export type { Remedy } from './model/remedy.ts';
export {
  ERROR_CODES,
  TidemarkError,
  type TidemarkErrorCode,
  type TidemarkErrorOptions,
} from './model/tidemark-error.ts';
export { CannotDoError, UsageError } from './model/program-errors.ts';
export { InvalidWebhookSecretError } from './deliveries/webhooks/webhook-secret.ts';
export { SecretKeyError } from './secrets/secret-box.ts';
export type { CallCounts, MailboxReport, Usage } from './client/mailbox-report.ts';
export type { RemovedMailbox } from './client/remove-mailbox.ts';
export type { RenamedMailbox } from './client/rename-mailbox.ts';
export type { ResumeAllOptions, ResumedMailboxes } from './client/resume-mailboxes.ts';
export type { WaitOptions } from './client/waiting.ts';
export type { FailingTask } from './client/failing-task.ts';
export { registerSearchAttributes, type Registration } from './client/register-search-attributes.ts';
export { changedConfig, loadConfig, type Config } from './config/config.ts';
export { ConfigError, type ConfigProblem } from './config/config-error.ts';
export type { BodiesConfig } from './config/body-variables.ts';
export type { DatabaseConfig } from './config/database-variables.ts';
export type { DeploymentConfig } from './config/deployment-variables.ts';
export type { PushConfig } from './config/push-variables.ts';
export type { QuotaConfig } from './config/quota-variables.ts';
export type { SecretsConfig } from './config/secret-variables.ts';
export type { TelemetryConfig } from './config/telemetry-variables.ts';
export type { TemporalConnection } from './config/temporal-connection.ts';
export type { TracingConfig } from './config/tracing-variables.ts';
export type { WebhooksConfig } from './config/webhook-variables.ts';
export type { Accounts, ConnectRequest } from './accounts/accounts.ts';
export type { ConnectedMailbox } from './accounts/connect-mailbox.ts';
export type {
  BeginConsentRequest,
  BegunConsent,
  CompleteConsentRequest,
  CompletedConsent,
  PendingConsent,
} from './accounts/consent.ts';
export { LoginError } from './accounts/login-error.ts';
export type { FirstSync } from './client/preview-settings.ts';
export type { Authorization } from './gmail/access/authorization.ts';
export { InvalidCredentialsError } from './gmail/access/credentials.ts';
export { ConsentError, type ConsentFailure } from './gmail/access/consent-error.ts';
export {
  AccessRevokedError,
  type ProvidedToken,
  type TokenProvider,
  type TokenRequest,
} from './gmail/access/token-provider.ts';
export type { Clock } from './model/clock.ts';
export type { DatabaseLocation, PostgresAccess, PostgresLocation, SqliteLocation } from './model/database-location.ts';
export type { StoreMark } from './model/store-identity.ts';
export type { Forecast, Money, PricedForecast } from './model/forecast.ts';
export {
  InvalidIdError,
  mailboxId,
  type HistoryId,
  type LabelId,
  type MailboxId,
  type MessageId,
  type ThreadId,
} from './model/ids.ts';
export {
  DEFAULT_SETTINGS,
  MESSAGE_FORMATS,
  type MailboxSettings,
  RECOVERIES,
  type MessageFormat,
  type PushSettings,
  type Recovery,
  type Scope,
} from './model/settings.ts';
export {
  EVENT_KINDS,
  type ConsentCode,
  type EventDetails,
  type EventKind,
  type SubscribedEvent,
} from './model/subscribed-event.ts';
export { InvalidSettingsError, type ScopeChange, type SettingsChange } from './model/settings-change.ts';
export type { FetchingPreview, ScopeCount, SettingsPreview, WorkPrice } from './model/settings-preview.ts';
export {
  CursorAheadError,
  CursorPrunedError,
  FeedError,
  FeedReplacedError,
  InvalidCursorError,
  type FeedCursor,
} from './model/feed-cursor.ts';
// Types only: what opens a database is loaded by `openTidemark`, when it is called.
export type {
  Attachment,
  Change,
  ChangesRequest,
  ChangedMessage,
  FeedChange,
  HeaderField,
  Label,
  Lacking,
  MailboxReader,
  Message,
  DecodedHeaders,
  MessageQuery,
  Reader,
  WhyGone,
} from './reading/index.ts';
export type { ChangePage } from './store/feed/mailbox-changes.ts';
export type { MailAddress } from './model/mail-address.ts';
export { openDeliveries, type OpenDeliveriesOptions, type OpenedDeliveries } from './app/open-deliveries.ts';
export { openTidemark, type OpenTidemarkOptions, type Tidemark } from './app/open-tidemark.ts';
export type { LogLevel } from './model/log-level.ts';
export type { LostBody, LostReason } from './model/lost-body.ts';
export { StoreError, type StoreFailure } from './store/engines/store-error.ts';
export type { AuditResult, Condition, Conditions, Doubt, Drift } from './store/rows/mailbox-row.ts';
export type { FailedMessage, LackingMessage, MessageCounts } from './store/fetching/work-store.ts';
export type { StoredMessage } from './store/reads/mail-store.ts';
export { systemClock } from './host/system-clock.ts';
export { PHASES, type Phase } from './workflows/phase.ts';
export type { BlockedStatus, MailboxStatus, PushStatus } from './workflows/definitions.ts';
