import { resolve } from 'node:path';

import { z } from 'zod';

import { GMAIL_METHODS, PRICE_TABLES, type PriceTable, type PriceTableName } from '../model/prices.ts';
import { readPricesFile, type PricesFile } from './prices-file.ts';
import { UnusableVariableError, type Values, type Variables } from './section.ts';

export interface QuotaConfig {
  /** The table from which the other values start. */
  readonly prices: PriceTableName;
  /** The price of each call, after the file and the single values were applied. */
  readonly units: PriceTable['units'];
  readonly userUnitsPerMinute: number;
  readonly projectUnitsPerMinute: number;
  /** The units that all backfills together may spend in a Pacific day; null for no such budget. */
  readonly projectUnitsPerDay: number | null;
  /**
   * The share of each user's units that Tidemark may spend, in (0, 1]. The rest is left to the user's other
   * applications.
   */
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

/** `messages.get=20,threads.get=40` */
const methodUnits = z
  .string()
  .transform((text) =>
    Object.fromEntries(
      text
        .split(/[\s,]+/)
        .filter((pair) => pair !== '')
        .map(priceOf),
    ),
  )
  .pipe(z.partialRecord(z.enum(GMAIL_METHODS), z.number().int().positive().max(Number.MAX_SAFE_INTEGER)));

function priceOf(pair: string): readonly [method: string, units: number] {
  const [, method = pair, units = ''] = /^([\w.]+)=(\d+)$/.exec(pair) ?? [];
  return [method, units === '' ? Number.NaN : Number(units)];
}

export const quotaVariables = {
  GMAIL_QUOTA_PRICES: {
    schema: z.literal(['2026', '2025']).default('2026'),
    expected: `one of ${Object.keys(PRICE_TABLES).toSorted().toReversed().join(', ')}, for example 2026`,
  },
  GMAIL_PRICES_FILE: {
    schema: z.string().optional(),
    expected:
      'a JSON file of prices that differ, for example prices.json with ' +
      '{"units":{"messages.get":20},"userUnitsPerMinute":6000}',
  },
  GMAIL_METHOD_UNITS: {
    schema: methodUnits.default({}),
    expected: 'prices of single methods, for example messages.get=20,threads.get=40',
  },
  GMAIL_USER_UNITS_PER_MINUTE: {
    schema: units.optional(),
    expected: 'a whole number of quota units above 0, for example 6000',
  },
  GMAIL_PROJECT_UNITS_PER_MINUTE: {
    schema: units.optional(),
    expected: 'a whole number of quota units above 0, for example 1200000',
  },
  GMAIL_PROJECT_UNITS_PER_DAY: {
    schema: units.optional(),
    expected: 'a whole number of quota units above 0, for example 80000000',
  },
  GMAIL_USER_SHARE: { schema: share.default(1), expected: 'a number above 0 and at most 1, for example 0.8' },
} as const satisfies Variables;

/** A single value overrides the file, and the file overrides the table. */
export function readQuota(values: Values<typeof quotaVariables>, { cwd }: { readonly cwd: string }): QuotaConfig {
  const named = PRICE_TABLES[values.GMAIL_QUOTA_PRICES];
  const file = pricesIn(values.GMAIL_PRICES_FILE, cwd);
  return Object.freeze({
    prices: values.GMAIL_QUOTA_PRICES,
    units: Object.freeze({ ...named.units, ...file.units, ...values.GMAIL_METHOD_UNITS }),
    userUnitsPerMinute: values.GMAIL_USER_UNITS_PER_MINUTE ?? file.userUnitsPerMinute ?? named.userUnitsPerMinute,
    projectUnitsPerMinute:
      values.GMAIL_PROJECT_UNITS_PER_MINUTE ?? file.projectUnitsPerMinute ?? named.projectUnitsPerMinute,
    projectUnitsPerDay: values.GMAIL_PROJECT_UNITS_PER_DAY ?? file.projectUnitsPerDay ?? named.projectUnitsPerDay,
    userShare: values.GMAIL_USER_SHARE,
  });
}

/** @throws {UnusableVariableError} when there is a file and it cannot be used */
function pricesIn(path: string | undefined, cwd: string): PricesFile {
  if (path === undefined) return { units: {} };
  try {
    return readPricesFile(resolve(cwd, path));
  } catch (error) {
    throw new UnusableVariableError('GMAIL_PRICES_FILE', error instanceof Error ? error.message : 'it cannot be read', {
      cause: error,
    });
  }
}

export function priceTableOf({ quota }: { readonly quota: QuotaConfig }): PriceTable {
  const { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay } = quota;
  return { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay };
}
