import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { GMAIL_METHODS } from '../model/prices.ts';
import { codeOf } from '../model/error-code.ts';

const units = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** Prices and limits that differ from the chosen table. What the file does not name stays as in the table. */
const PRICES_FILE = z.strictObject({
  /** Where the figures come from, for later readers of the file. */
  source: z.string().optional(),
  units: z.partialRecord(z.enum(GMAIL_METHODS), units).default({}),
  userUnitsPerMinute: units.optional(),
  projectUnitsPerMinute: units.optional(),
  projectUnitsPerDay: units.optional(),
  /** What a thousand successful requests of a method cost, for projects in the Scaled tier. */
  requestPrices: z
    .strictObject({
      currency: z.string().min(1).max(8),
      per1000: z.partialRecord(z.enum(GMAIL_METHODS), z.number().nonnegative().max(1_000_000)),
    })
    .optional(),
});

export type PricesFile = z.output<typeof PRICES_FILE>;

/**
 * Reads GMAIL_PRICES_FILE.
 *
 * @param path - absolute
 * @throws {Error} whose message says in a few words what is wrong with the file
 */
export function readPricesFile(path: string): PricesFile {
  const read = PRICES_FILE.safeParse(parsed(textOf(path)));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(
    issue === undefined ? 'it cannot be read' : `${issue.path.join('.') || 'the document'}: ${issue.message}`,
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(codeOf(error) === 'ENOENT' ? 'there is no such file' : 'it cannot be read', { cause: error });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('it is not JSON', { cause: error });
  }
}
