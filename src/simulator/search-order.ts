import type { Query } from '../query/query-tree.ts';

/** The same query, in which terms that need a message parsed come after those that do not. */
export function costlyLast(query: Query): Query {
  return ordered(query).query;
}

function ordered(query: Query): { readonly query: Query; readonly isCostly: boolean } {
  switch (query.kind) {
    case 'all':
    case 'any': {
      const parts = query.of.map(ordered).toSorted((a, b) => Number(a.isCostly) - Number(b.isCostly));
      return {
        query: { kind: query.kind, of: parts.map((part) => part.query) },
        isCostly: parts.some(({ isCostly }) => isCostly),
      };
    }
    case 'not': {
      const part = ordered(query.of);
      return { query: { kind: 'not', of: part.query }, isCostly: part.isCostly };
    }
    case 'label':
    case 'from-on':
    case 'before':
      return { query, isCostly: false };
    case 'state':
      return { query, isCostly: query.is === 'with-attachment' };
    case 'words':
    case 'around':
    case 'me':
    case 'message-id':
    case 'larger':
    case 'smaller':
      return { query, isCostly: true };
  }
}
