/** How answers are cut into pages. Gmail promises none of it, so clients must cope with all of it. */
export interface Paging {
  /** `offset` tokens shift when messages come or go between two pages. */
  tokens: 'cursor' | 'offset';
  /** Most messages or threads a page of a listing holds, whatever `maxResults` asks for. */
  listPage: number;
  /** Most records a page of history holds. */
  historyPage: number;
  /** A record with more operations is answered as several records with one id, which may straddle pages. */
  operationsPerRecord: number;
  /** Chance of a history page without records but with a nextPageToken. */
  emptyPages: number;
  /** Whether messages inside history carry `labelIds`, as Gmail mostly sends them and nowhere promises. */
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
