import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import { listIds } from './list-ids.ts';

/** Thrown when settings name a label that Gmail does not know and never did. */
export class UnknownLabelError extends Error {
  override readonly name = 'UnknownLabelError';
  readonly labelId: LabelId;

  constructor(labelId: LabelId) {
    super(`there is no label ${labelId}`);
    this.labelId = labelId;
  }
}

export const unknownLabelText = (mailbox: MailboxId, { labelId }: UnknownLabelError): string =>
  `The settings of ${mailbox} name the label id ${JSON.stringify(labelId)}, which Gmail does not know. ` +
  'Nothing was removed';

/**
 * Checks the labels that a scope newly names, before anything follows the scope. A misspelt label would empty the
 * mirror, since Gmail refuses its listing as it does for a deleted label. So one page of each unknown label's listing
 * is asked for. Labels that were known before may be deleted at any time and are not checked.
 *
 * @throws {UnknownLabelError} when labels.list does not name a label and the label's listing is refused
 */
export async function requireKnownLabels(
  store: LabelStore,
  session: GmailSession,
  {
    row,
    settings,
    signal,
  }: { readonly row: MailboxRow; readonly settings: MailboxSettings; readonly signal: AbortSignal },
): Promise<void> {
  const before = row.fullSync === null ? [] : row.settings.scope.labelIds;
  const named = settings.scope.labelIds.filter((id) => !before.includes(id));
  if (named.length === 0) return;
  const known = new Set([
    ...(await store.getLabels(row.id)).map(({ id }) => id),
    ...(await store.heldLabelIds(row.id)),
  ]);
  for (const labelId of named.filter((id) => !known.has(id))) {
    const page = await listIds(session, { labelIds: [labelId], includeSpamTrash: true, pageToken: null }, signal);
    if (page === 'label-gone') throw new UnknownLabelError(labelId);
  }
}
