/** The methods of the Gmail API that Tidemark calls, by the names that Google's quota page uses. */
export const GMAIL_METHODS = [
  'messages.get',
  'messages.attachments.get',
  'threads.get',
  'messages.list',
  'history.list',
  'getProfile',
  'labels.list',
  'labels.get',
  'watch',
  'stop',
] as const;

export type GmailMethod = (typeof GMAIL_METHODS)[number];

export interface PriceTable {
  /** Units a call costs. The price is the method's, whatever the format or `fields`. */
  readonly units: Readonly<Record<GmailMethod, number>>;
  readonly userUnitsPerMinute: number;
  readonly projectUnitsPerMinute: number;
  /** A day's units above this are billed; null when nothing is billed. Days are Pacific. */
  readonly projectUnitsPerDay: number | null;
}

/**
 * Prices and limits. Source: https://developers.google.com/workspace/gmail/api/reference/quota
 * `2026` holds since 2026-05-01; projects active between November 2025 and April 2026 keep `2025` for now.
 */
export const PRICE_TABLES = {
  '2026': {
    units: {
      'messages.get': 20,
      'messages.attachments.get': 20,
      'threads.get': 40,
      'messages.list': 5,
      'history.list': 2,
      getProfile: 1,
      'labels.list': 1,
      'labels.get': 1,
      watch: 100,
      stop: 50,
    },
    userUnitsPerMinute: 6_000,
    projectUnitsPerMinute: 1_200_000,
    projectUnitsPerDay: 80_000_000,
  },
  '2025': {
    units: {
      'messages.get': 5,
      'messages.attachments.get': 5,
      'threads.get': 10,
      'messages.list': 5,
      'history.list': 2,
      getProfile: 1,
      'labels.list': 1,
      'labels.get': 1,
      watch: 100,
      stop: 50,
    },
    userUnitsPerMinute: 15_000,
    projectUnitsPerMinute: 1_200_000,
    projectUnitsPerDay: null,
  },
} as const satisfies Record<string, PriceTable>;

export type PriceTableName = keyof typeof PRICE_TABLES;
