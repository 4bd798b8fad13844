import { DeadlineExceededError } from '../../model/deadline.ts';
import { codeOf } from '../../model/error-code.ts';
import { AddressRefusedError } from './address-guard.ts';
import type { WebhookOutcome } from './webhook-attempt.ts';

/** The ways in which a receiver is not reached, by Node's and undici's codes. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'its name could not be resolved now',
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it closed the connection before it answered',
  EPIPE: 'it closed the connection before it answered',
  UND_ERR_SOCKET: 'it closed the connection before it answered',
  EHOSTUNREACH: 'no way leads to its address',
  ENETUNREACH: 'no way leads to its address',
  ETIMEDOUT: 'no connection came about in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_HEADERS_OVERFLOW: 'its answer is too large',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is that of another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by no known authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by no known authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by no known authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by no known authority',
};

/**
 * What an attempt without an answer means. The error's own text is left out, because it may quote what the receiver
 * sent.
 */
export function outcomeOfError(error: unknown, host: string): WebhookOutcome {
  if (error instanceof AddressRefusedError) return { kind: 'refused', reason: error.message };
  const what = mayHaveGotIt(error) ? 'did not answer' : 'was not reached';
  return { kind: 'retry', reason: `${host} ${what}: ${whyOf(error)}`, notBefore: null, answer: null };
}

/** Ways to fail in which the receiver was connected to, and may have got the webhook. */
const AFTER_CONNECTING: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_OVERFLOW',
]);

/** Connecting has a shorter deadline of its own, so the whole attempt's deadline passes only after it. */
function mayHaveGotIt(error: unknown): boolean {
  return error instanceof DeadlineExceededError || AFTER_CONNECTING.has(codeOf(error) ?? '');
}

function whyOf(error: unknown): string {
  if (error instanceof DeadlineExceededError) return 'nothing came in time';
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error ? error.name : 'an unknown error';
  return WORDS[code] === undefined ? code : `${WORDS[code]} (${code})`;
}
