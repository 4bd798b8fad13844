/**
 * `tidemark/worker`: runs the workflows and activities of mailboxes in a process of one's own.
 *
 * @packageDocumentation
 */
export type {
  DeliveredChanges,
  DeliveryContext,
  Handler,
  Handlers,
  HandlingOf,
  TransactionContext,
} from '../deliveries/handler.ts';
export type { Beginning, ChangeFilter, DeliveryOrder } from '../model/subscription.ts';
export { InvalidSubscriptionError } from '../model/subscription.ts';
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
export { createLog, type Log } from '../host/log.ts';
export { noTelemetry, type Telemetry } from '../model/telemetry.ts';
export { installRuntime } from '../telemetry/runtime.ts';
export { PluginError } from '../plugin/plugin-error.ts';
export { tidemarkPlugin } from '../plugin/tidemark-plugin.ts';
export type { WorkerRequest } from '../hosting/worker-request.ts';
export { runWorker as createWorker, type RunningWorker } from '../worker.ts';
export type { Remedy } from '../model/remedy.ts';
export { ERROR_CODES, TidemarkError, type TidemarkErrorCode } from '../model/tidemark-error.ts';
