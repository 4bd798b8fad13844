/** How answers are split into pages. Gmail promises nothing about this, so clients must handle every variant. */
export interface Paging {
  /** `offset` tokens shift when messages come or go between two pages. */
  tokens: 'cursor' | 'offset';
  /** The most messages or threads in a page of a listing, whatever `maxResults` is. */
  listPage: number;
  /** The most records in a page of history. */
  historyPage: number;
  /** A record with more operations is answered as several records with the same id, which may span pages. */
  operationsPerRecord: number;
  /** Chance of a history page without records but with a nextPageToken. */
  emptyPages: number;
  /** Whether messages in history have `labelIds`. Gmail mostly sends them, but does not promise to. */
  labelIdsInHistory: boolean;
}

export const ONE_PAGE: Paging = {
  tokens: 'cursor',
  listPage: 500,
  historyPage: 500,
  operationsPerRecord: 100,
  emptyPages: 0,
  labelIdsInHistory: true,
};
