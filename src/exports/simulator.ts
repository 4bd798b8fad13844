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
export type { AuthorizedUser } from '../simulator/tokens.ts';
export { ERROR_CODES, TidemarkError, type TidemarkErrorCode } from '../model/tidemark-error.ts';
