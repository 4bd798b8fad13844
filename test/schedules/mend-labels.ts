import { UnknownLabelError, unknownLabelText } from '../../src/activities/require-labels.ts';
import type { Lanes } from '../fixtures/schedules/lanes.ts';
import type { Newest } from './newest.ts';
import type { World } from './world.ts';

/**
 * Removes labels from the settings that were deleted before any activity saw them. Only a person can tell such a label
 * from a misspelt one. A label that Gmail still has stays: whatever called it unknown was an odd answer, from which the
 * mailbox must recover by itself.
 */
export function mendLabels(
  { gmail, mailbox }: Pick<World, 'gmail' | 'mailbox'>,
  lanes: Pick<Lanes, 'state' | 'configure' | 'dispatch'>,
  newest: Pick<Newest, 'configured'>,
): void {
  const { blocked, settings } = lanes.state;
  if (blocked === null) return;
  const existing = new Set<string>(gmail.labels().map(({ id }) => id));
  const { labelIds } = settings.scope;
  const kept = labelIds.filter(
    (id) => existing.has(id) || !blocked.message.includes(unknownLabelText(mailbox, new UnknownLabelError(id))),
  );
  if (kept.length === labelIds.length) return;
  const mended = { ...settings, scope: { ...settings.scope, labelIds: kept } };
  lanes.configure(mended);
  newest.configured(mended);
  lanes.dispatch({ kind: 'resumed' });
}
