import type { LabelId } from '../../model/ids.ts';
import type { Scope } from '../../model/settings.ts';
import type { ListMessagesQuery } from './gmail-api.ts';

/** A listing of ids, without a page. */
export type IdListing = Omit<ListMessagesQuery, 'pageToken'>;

/** One listing per scope label (Gmail ANDs label ids, a scope means any of them), or one of all mail. */
export function listings(scope: Scope): readonly IdListing[] {
  const base = listingBase(scope);
  return scope.labelIds.length === 0 ? [base] : scope.labelIds.map((id) => ({ ...base, labelIds: [id] }));
}

function listingBase(scope: Scope): IdListing {
  // `after:` has seconds and may round. The exact age is checked once the message is fetched.
  return {
    includeSpamTrash: scope.includeSpamTrash,
    ...(scope.after === null ? {} : { q: `after:${Math.max(0, Math.floor(scope.after / 1000) - 1)}` }),
  };
}

/**
 * Lists the messages of the scope's age that carry a label. The scope's labels are not a condition here, since one may
 * be removed between two listings.
 */
export const labelListing = (scope: Scope, label: LabelId): IdListing => ({ ...listingBase(scope), labelIds: [label] });
