import type { WebhookSecret } from './webhook-secret.ts';

export interface WebhookAddress {
  readonly url: string;
  /** The newest first. All of them sign. */
  readonly secrets: readonly WebhookSecret[];
  /** Allows addresses that are not public, and http. */
  readonly allowPrivate: boolean;
}

export interface WebhookRequest {
  /** The same in every attempt. Letters, digits, `_` and `-`. */
  readonly id: string;
  /** Time of this attempt, in epoch ms. */
  readonly timestamp: number;
  /** JSON in UTF-8. */
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

/**
 * What became of an attempt. A `reason` names the receiver's host and a status or a code, and may go anywhere. An
 * `answer` is the beginning of what the receiver wrote, which may repeat mail: it belongs in the store only.
 */
export type WebhookOutcome =
  | { readonly kind: 'accepted' }
  /** 410: the receiver wants no more deliveries. */
  | { readonly kind: 'ended'; readonly reason: string; readonly answer: string | null }
  /** `notBefore`: ms that the receiver asked to wait. */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly notBefore: number | null;
      readonly answer: string | null;
    }
  /** The URL or the address behind it is not allowed. Trying again soon does not help. */
  | { readonly kind: 'refused'; readonly reason: string };
