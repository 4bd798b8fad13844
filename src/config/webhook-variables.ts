import { z } from 'zod';

import { InvalidNetworkError, networks } from '../host/networks.ts';
import type { Values, Variables } from './section.ts';

/** Where webhooks may be sent: see `WEBHOOK_ALLOWED_NETWORKS`. */
export interface WebhooksConfig {
  /**
   * Networks in CIDR notation to which webhooks may be sent, even over http, although their addresses are not public.
   */
  readonly allowedNetworks: readonly string[];
}

const networkList = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((network) => network.trim())
      .filter((network) => network !== ''),
  )
  .refine(areNetworks);

export const webhookVariables = {
  WEBHOOK_ALLOWED_NETWORKS: {
    schema: networkList,
    expected: 'networks with commas between them, for example 10.1.0.0/16,fd12:3456::/32',
  },
} as const satisfies Variables;

export function readWebhooks(values: Values<typeof webhookVariables>): WebhooksConfig {
  return Object.freeze({ allowedNetworks: values.WEBHOOK_ALLOWED_NETWORKS });
}

function areNetworks(texts: readonly string[]): boolean {
  try {
    networks(texts);
    return true;
  } catch (error) {
    if (error instanceof InvalidNetworkError) return false;
    throw error;
  }
}
