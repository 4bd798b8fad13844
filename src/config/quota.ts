import { z } from 'zod';

import { PRICE_TABLES, type PriceTableName } from '../model/prices.ts';
import type { Values, Variables } from './section.ts';

export interface QuotaConfig {
  readonly prices: PriceTableName;
  readonly userUnitsPerMinute: number;
  readonly projectUnitsPerMinute: number;
  /** Part of each user's units that Tidemark may spend, in (0, 1]; the rest is left to the user's other applications. */
  readonly userShare: number;
}

const units = z
  .string()
  .regex(/^\d+$/)
  .transform(Number)
  .pipe(z.number().int().positive().max(Number.MAX_SAFE_INTEGER));

const share = z
  .string()
  .regex(/^(0?\.\d+|1(\.0+)?)$/)
  .transform(Number)
  .pipe(z.number().positive().max(1));

export const quotaVariables = {
  GMAIL_QUOTA_PRICES: {
    schema: z.literal(['2026', '2025']).default('2026'),
    expected: `one of ${Object.keys(PRICE_TABLES).toSorted().toReversed().join(', ')}, for example 2026`,
  },
  GMAIL_USER_UNITS_PER_MINUTE: { schema: units.optional(), expected: 'a whole number of quota units above 0, for example 6000' },
  GMAIL_PROJECT_UNITS_PER_MINUTE: { schema: units.optional(), expected: 'a whole number of quota units above 0, for example 1200000' },
  GMAIL_USER_SHARE: { schema: share.default(1), expected: 'a number above 0 and at most 1, for example 0.8' },
} as const satisfies Variables;

export function readQuota(values: Values<typeof quotaVariables>): QuotaConfig {
  const table = PRICE_TABLES[values.GMAIL_QUOTA_PRICES];
  return Object.freeze({
    prices: values.GMAIL_QUOTA_PRICES,
    userUnitsPerMinute: values.GMAIL_USER_UNITS_PER_MINUTE ?? table.userUnitsPerMinute,
    projectUnitsPerMinute: values.GMAIL_PROJECT_UNITS_PER_MINUTE ?? table.projectUnitsPerMinute,
    userShare: values.GMAIL_USER_SHARE,
  });
}
