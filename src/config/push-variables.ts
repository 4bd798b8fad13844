import { resolve } from 'node:path';

import { z } from 'zod';

import type { Values, Variables } from './section.ts';

/**
 * Gmail's push notifications. Workers request them with `topic`; the rest is for `tidemark push`, which receives them.
 */
export interface PushConfig {
  /** `projects/P/topics/T`; null when mailboxes are only polled. */
  readonly topic: string | null;
  /** The audience that Google's tokens must have; null when no endpoint is served. */
  readonly audience: string | null;
  /** The service account of the push subscription: only its tokens are accepted. */
  readonly serviceAccount: string | null;
  /** `projects/P/subscriptions/S`, for `--pull`. */
  readonly subscription: string | null;
  /** Google's public keys, as a JSON Web Key Set. */
  readonly keysUrl: string;
  /** The PEM file of the endpoint's certificate chain; null when TLS ends in front of the endpoint. */
  readonly tlsCertFile: string | null;
  /** The PEM file of the certificate's private key. */
  readonly tlsKeyFile: string | null;
}

const topic = z.string().regex(/^projects\/[^/\s]+\/topics\/[^/\s]+$/);
const subscription = z.string().regex(/^projects\/[^/\s]+\/subscriptions\/[^/\s]+$/);
const email = z
  .string()
  .regex(/^[^\s@/]+@[^\s@/]+$/)
  .transform((text) => text.toLowerCase());

export const pushVariables = {
  PUSH_TOPIC: { schema: topic.optional(), expected: 'a Pub/Sub topic, for example projects/my-project/topics/gmail' },
  PUSH_AUDIENCE: {
    schema: z.string().min(1).max(2_000).optional(),
    expected: "the audience of the push subscription's tokens, for example https://push.example.com/push",
  },
  PUSH_SERVICE_ACCOUNT: {
    schema: email.optional(),
    expected: 'the e-mail address of a service account, for example pubsub-push@my-project.iam.gserviceaccount.com',
  },
  PUSH_SUBSCRIPTION: {
    schema: subscription.optional(),
    expected: 'a Pub/Sub subscription, for example projects/my-project/subscriptions/tidemark',
  },
  PUSH_TLS_CERT_FILE: { schema: z.string().optional(), expected: 'a file with a certificate chain in PEM form' },
  PUSH_TLS_KEY_FILE: {
    schema: z.string().optional(),
    expected: "a file with the certificate's private key in PEM form",
  },
  GOOGLE_KEYS_URL: {
    schema: z.url({ protocol: /^https?$/ }).default('https://www.googleapis.com/oauth2/v3/certs'),
    expected: 'an http or https address, for example https://www.googleapis.com/oauth2/v3/certs',
  },
} as const satisfies Variables;

export function readPush(values: Values<typeof pushVariables>, { cwd }: { cwd: string }): PushConfig {
  const file = (path: string | undefined): string | null => (path === undefined ? null : resolve(cwd, path));
  return Object.freeze({
    topic: values.PUSH_TOPIC ?? null,
    audience: values.PUSH_AUDIENCE ?? null,
    serviceAccount: values.PUSH_SERVICE_ACCOUNT ?? null,
    subscription: values.PUSH_SUBSCRIPTION ?? null,
    keysUrl: values.GOOGLE_KEYS_URL,
    tlsCertFile: file(values.PUSH_TLS_CERT_FILE),
    tlsKeyFile: file(values.PUSH_TLS_KEY_FILE),
  });
}
