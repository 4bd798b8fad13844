/**
 * `tidemark/simulator`: a local Gmail, for tests and trials of any program that talks to Gmail.
 *
 * @packageDocumentation
 */
export type { Clock } from '../model/clock.ts';
export { systemClock } from '../host/system-clock.ts';
export type { SimulatedMailbox } from '../simulator/simulated-mailbox.ts';
export type { NewMail } from '../simulator/new-mail.ts';
export { openSimulator, type ServedMailbox, type ServedSimulator, type SimulateRequest } from '../simulator/open.ts';
export type { QuotaEnforcement } from '../simulator/quota-enforcement.ts';
export { startSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from '../simulator/server.ts';
export { Simulator, type SimulatorOptions } from '../simulator/simulator.ts';
export type { AuthorizedUser, ClientFile } from '../simulator/tokens.ts';
export { InvalidIdError, type MailboxId } from '../model/ids.ts';
export type { PriceTable, PriceTableName } from '../model/prices.ts';
export type { Remedy } from '../model/remedy.ts';
export type { SimulatorRequest, SimulatorResponse } from '../simulator/http.ts';
export type { PushSubscription } from '../simulator/publishing.ts';
export type { GoogleSigner } from '../simulator/google-signer.ts';
export type { Notification } from '../simulator/watches.ts';
export {
  ERROR_CODES,
  TidemarkError,
  type TidemarkErrorCode,
  type TidemarkErrorOptions,
} from '../model/tidemark-error.ts';
export { UsageError } from '../model/program-errors.ts';
