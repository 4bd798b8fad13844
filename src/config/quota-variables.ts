import { resolve } from 'node:path';

import { z } from 'zod';

import type { Clock } from '../model/clock.ts';
import {
  END_OF_2025,
  GMAIL_METHODS,
  PRICE_TABLES,
  pricesOverTime,
  type PriceTable,
  type PriceTableName,
} from '../model/prices.ts';
import { readPricesFile, type PricesFile } from './prices-file.ts';
import { UnusableVariableError, type Values, type Variables } from './section.ts';

/** Prices and limits of Gmail: see `GMAIL_QUOTA_PRICES` and the variables beside it. */
export interface QuotaConfig extends PriceTable {
  /** The table from which the other values start. */
  readonly prices: PriceTableName;
  /** The figures that replace these at `at` (epoch ms); null when these have no known end. */
  readonly next: { readonly at: number; readonly prices: PriceTable } | null;
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
  GMAIL_QUOTA_PRICES_END: {
    schema: z.iso.datetime({ offset: true }).transform(Date.parse).default(END_OF_2025),
    expected: 'the time at which Google ends the prices of 2025, for example 2027-04-01T00:00:00-07:00',
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
  const file = pricesIn(values.GMAIL_PRICES_FILE, cwd);
  const figures = (named: PriceTable): PriceTable =>
    Object.freeze({
      units: Object.freeze({ ...named.units, ...file.units, ...values.GMAIL_METHOD_UNITS }),
      userUnitsPerMinute: values.GMAIL_USER_UNITS_PER_MINUTE ?? file.userUnitsPerMinute ?? named.userUnitsPerMinute,
      projectUnitsPerMinute:
        values.GMAIL_PROJECT_UNITS_PER_MINUTE ?? file.projectUnitsPerMinute ?? named.projectUnitsPerMinute,
      projectUnitsPerDay: values.GMAIL_PROJECT_UNITS_PER_DAY ?? file.projectUnitsPerDay ?? named.projectUnitsPerDay,
      requestPrices: file.requestPrices ?? named.requestPrices,
    });
  const prices = values.GMAIL_QUOTA_PRICES;
  return Object.freeze({
    prices,
    ...figures(PRICE_TABLES[prices]),
    next:
      prices === '2025'
        ? Object.freeze({ at: values.GMAIL_QUOTA_PRICES_END, prices: figures(PRICE_TABLES['2026']) })
        : null,
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

/**
 * The configured prices. Where Google has announced their end, the next prices replace them at that moment, even in a
 * running worker.
 */
export function priceTableOf({ quota }: { readonly quota: QuotaConfig }, clock: Pick<Clock, 'now'>): PriceTable {
  const { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay, requestPrices, next } = quota;
  const table = { units, userUnitsPerMinute, projectUnitsPerMinute, projectUnitsPerDay, requestPrices };
  return next === null ? table : pricesOverTime(table, next, clock);
}
