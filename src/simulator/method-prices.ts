import { PRICE_TABLES, type PriceTable, type PriceTableName } from '../model/prices.ts';

/**
 * Prices of the methods that Tidemark does not call, but other code may call on the simulator. The prices of Tidemark's
 * own methods are in the model. Source: https://developers.google.com/workspace/gmail/api/guides/quotas
 */
const OTHER_METHODS = {
  'labels.get': 1,
  'labels.create': 5,
  'labels.patch': 5,
  'labels.update': 5,
  'labels.delete': 5,
  'messages.send': 100,
  'messages.insert': 25,
  'messages.import': 25,
  'messages.modify': 5,
  'messages.batchModify': 50,
  'messages.delete': 10,
  'messages.batchDelete': 50,
  'messages.trash': 5,
  'messages.untrash': 5,
  'threads.list': 10,
  'threads.modify': 10,
  'threads.delete': 20,
  'threads.trash': 10,
  'threads.untrash': 10,
  'drafts.list': 5,
  'drafts.get': 5,
  'drafts.create': 10,
  'drafts.update': 15,
  'drafts.delete': 10,
  'drafts.send': 100,
} as const;

/** Every method that the simulator serves, by Google's names. */
export type ApiMethod = keyof typeof OTHER_METHODS | keyof (typeof PRICE_TABLES)['2026']['units'];

export interface Prices {
  readonly units: Readonly<Record<ApiMethod, number>>;
  readonly userUnitsPerMinute: number;
  readonly projectUnitsPerMinute: number;
}

export function pricesOf(prices: PriceTableName | PriceTable): Prices {
  const table = typeof prices === 'string' ? PRICE_TABLES[prices] : prices;
  const { units, userUnitsPerMinute, projectUnitsPerMinute } = table;
  return { units: { ...OTHER_METHODS, ...units }, userUnitsPerMinute, projectUnitsPerMinute };
}
