import { isAbsolute, resolve } from 'node:path';

import { z } from 'zod';

import { InvalidDurationError, parseDuration } from '../model/duration.ts';
import type { Values, Variables } from './section.ts';

/** Where bodies are kept: see `BODIES_URL` and the variables beside it. */
export interface BodiesConfig {
  /** `file:` with an absolute path, or `s3://bucket/prefix`; null keeps bodies in the database. */
  readonly url: string | null;
  /** Bodies larger than this many bytes are kept at `url`; 0 keeps all of them there. */
  readonly over: number;
  /** Milliseconds for which a body that nothing names any more is kept; null turns the workers' sweep off. */
  readonly sweepGrace: number | null;
  /**
   * Milliseconds for which the body of a gone message is kept, so that a wrong verdict costs no fetch; null keeps it
   * forever.
   */
  readonly goneGrace: number | null;
  /** How a bucket is reached. A null leaves the value to the S3 client's own environment. */
  readonly s3: { readonly endpoint: string | null; readonly region: string | null };
}

/** Small bodies cost less as rows than as objects. */
const OVER = 65_536;

/** For this long, the verdict that a message is gone may turn out to be wrong. */
const GONE_GRACE = '1d';

/** The grace only spares work: a sweep is correct without it. */
const SWEEP_GRACE = '1h';

const grace = z.string().transform((text, context) => {
  if (text === 'never') return null;
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof InvalidDurationError)) throw error;
  }
  context.addIssue('not a duration');
  return z.NEVER;
});

const place = z.string().regex(/^(file:.*[^/]|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.*'()/-]*)?)$/);

const bytes = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

export const bodiesVariables = {
  BODIES_URL: {
    schema: place.optional(),
    expected:
      'file: and the path of a folder without / at its end, or s3:// with a bucket and a prefix, ' +
      'for example file:/var/lib/tidemark/bodies or s3://mail-bodies/tidemark',
  },
  BODIES_OVER: { schema: bytes.optional(), expected: 'a number of bytes, 0 for all bodies, for example 65536' },
  BODIES_SWEEP_GRACE: {
    schema: grace.default(parseDuration(SWEEP_GRACE)),
    expected: 'a duration, or never, for example 7d',
  },
  BODIES_GONE_GRACE: {
    schema: grace.default(parseDuration(GONE_GRACE)),
    expected: 'a duration, or never, for example 7d',
  },
  S3_ENDPOINT: {
    schema: z.url({ protocol: /^https?$/ }).optional(),
    expected: 'an http or https address, for example https://s3.example.com',
  },
  AWS_REGION: {
    schema: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .optional(),
    expected: 'the name of a region, for example eu-central-1',
  },
} as const satisfies Variables;

export function readBodies(values: Values<typeof bodiesVariables>, { cwd }: { cwd: string }): BodiesConfig {
  return Object.freeze({
    url: values.BODIES_URL === undefined ? null : absolute(values.BODIES_URL, cwd),
    over: values.BODIES_OVER ?? OVER,
    sweepGrace: values.BODIES_SWEEP_GRACE,
    goneGrace: values.BODIES_GONE_GRACE,
    s3: Object.freeze({ endpoint: values.S3_ENDPOINT ?? null, region: values.AWS_REGION ?? null }),
  });
}

/** The database stores the address, and may be opened from other folders, so the path must be absolute. */
function absolute(url: string, cwd: string): string {
  if (!url.startsWith('file:')) return url.replace(/\/$/, '');
  const path = url.replace(/^file:(?:\/\/(?=\/))?/, '');
  return `file:${isAbsolute(path) ? path : resolve(cwd, path)}`;
}
