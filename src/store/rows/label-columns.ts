/** The `labels` table, as rows are written to it. */
export const LABELS = {
  table: 'labels',
  columns: ['mailbox_key', 'id', 'name', 'type', 'unlisted_since', 'ask_at'],
  key: ['mailbox_key', 'id'],
  onConflict: 'update',
} as const;

/** The type of a label that is gone. Its row stays for a while. */
export const GONE_LABEL = 'gone';
/** The type of a label that messages carry and that labels.list has not named yet. */
export const UNNAMED = 'unnamed';
/** Types beside Gmail's `system` and `user`. Labels of these types are not shown. */
export const OWN_TYPES: readonly string[] = [GONE_LABEL, UNNAMED];
