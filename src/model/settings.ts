import { labelId, type LabelId } from './ids.ts';

/** The formats, in the order of how much they hold. */
export const MESSAGE_FORMATS = ['full', 'raw', 'metadata', 'minimal'] as const;
/** The format in which a message is fetched, in Gmail's words. */
export type MessageFormat = (typeof MESSAGE_FORMATS)[number];

/** Which messages of a mailbox are mirrored. All conditions must hold. */
export interface Scope {
  /** A message must carry at least one of these; empty means all mail. */
  readonly labelIds: readonly LabelId[];
  /** Epoch milliseconds: a message must have arrived at or after it. */
  readonly after: number | null;
  /**
   * The first full sync takes only this many of the newest messages; in a scope of several labels, of each label.
   * Everything that arrives later is mirrored, whatever its date.
   */
  readonly limit: number | null;
  /** Whether messages in spam and trash are mirrored, too. */
  readonly includeSpamTrash: boolean;
}

/** How labels are corrected after an expired history: by listings, or by reading each message. */
export const RECOVERIES = ['listings', 'minimal'] as const;
/**
 * How labels are corrected after a 404 of history: by the listings of all labels (5 units per 500), or, as Google's
 * guide has it, by reading every message again with format MINIMAL (20 units each).
 */
export type Recovery = (typeof RECOVERIES)[number];

/** What is mirrored of a mailbox, and how. Durations are in milliseconds. */
export interface MailboxSettings {
  /** In which form messages are fetched and stored. */
  readonly format: MessageFormat;
  /** Which messages are mirrored. */
  readonly scope: Scope;
  /**
   * Whether messages of format `full` are stored with their attachments. Gmail's answer holds only the attachments'
   * ids. `raw` always includes attachments; the other formats have no parts at all.
   */
  readonly attachments: boolean;
  /** Milliseconds between partial syncs of a quiet mailbox. */
  readonly pollInterval: number;
  /** What happens when Gmail's history has expired. */
  readonly recovery: Recovery;
  /** Milliseconds between comparisons of the store with Gmail; null for never. */
  readonly auditInterval: number | null;
  /** Gmail's notifications, if the workers have a topic for them; null for polling only. */
  readonly push: PushSettings | null;
}

/** Which changes Gmail is asked to notify of. */
export interface PushSettings {
  /**
   * Notifications for changes of messages with one of these labels; empty means for every change. What is mirrored does
   * not depend on this list.
   */
  readonly labelIds: readonly LabelId[];
}

/** The settings of a mailbox whose start names none. */
export const DEFAULT_SETTINGS: MailboxSettings = {
  format: 'full',
  scope: { labelIds: [], after: null, limit: null, includeSpamTrash: false },
  attachments: false,
  pollInterval: 60_000,
  recovery: 'listings',
  auditInterval: 7 * 24 * 60 * 60_000,
  push: { labelIds: [] },
};

/** Whether attachments are fetched in addition to the messages. Only format `full` needs that. */
export const wantsAttachments = ({ format, attachments }: Pick<MailboxSettings, 'format' | 'attachments'>): boolean =>
  attachments && format === 'full';

/** The labels that hide their messages from listings that do not ask for spam and trash. */
export const HIDING_LABELS: readonly LabelId[] = ['SPAM', 'TRASH'].map(labelId);

/** Whether a label is one of {@link HIDING_LABELS}. */
export const isHiding = (label: string): boolean => HIDING_LABELS.some((hiding) => hiding === label);

/**
 * Whether labels and age put a message in scope. The listing applies `limit`, which is not a property of one message.
 */
export function inScope(
  scope: Scope,
  message: { readonly labelIds: readonly string[]; readonly internalDate: number | null },
): boolean {
  if (!scope.includeSpamTrash && message.labelIds.some(isHiding)) return false;
  if (scope.labelIds.length > 0 && !scope.labelIds.some((id) => message.labelIds.includes(id))) return false;
  if (scope.after !== null && message.internalDate !== null && message.internalDate < scope.after) return false;
  return true;
}

/** Whether a scope has several listings, one for each label: then each has a limit of its own. */
export const listsSeveralLabels = ({ labelIds }: Scope): boolean => labelIds.length > 1;

/** True when a mailbox synchronised under `before` needs a new listing to be exact under `after`. */
export function needsFullSync(before: MailboxSettings, after: MailboxSettings): boolean {
  return (
    before.format !== after.format ||
    wantsAttachments(before) !== wantsAttachments(after) ||
    !isSameScope(before.scope, after.scope)
  );
}

/** How to compare each field of two values. The compiler refuses a table without a newly added field. */
type FieldsOf<Value> = { readonly [Field in keyof Value]: (a: Value[Field], b: Value[Field]) => boolean };

const is = <Value>(a: Value, b: Value): boolean => a === b;
const isSameList = (a: readonly LabelId[], b: readonly LabelId[]): boolean =>
  a.length === b.length && a.every((id, at) => id === b[at]);

const SCOPE: FieldsOf<Scope> = { labelIds: isSameList, after: is, limit: is, includeSpamTrash: is };

const SETTINGS: FieldsOf<MailboxSettings> = {
  format: is,
  scope: isSameScope,
  attachments: is,
  pollInterval: is,
  recovery: is,
  auditInterval: is,
  push: (a, b) => a === b || (a !== null && b !== null && isSameList(a.labelIds, b.labelIds)),
};

const isSameIn = <Value>(fields: FieldsOf<Value>, a: Value, b: Value): boolean => {
  for (const field in fields) if (!fields[field](a[field], b[field])) return false;
  return true;
};

/** Whether two scopes have the same values, in whatever order their fields were written. */
export function isSameScope(a: Scope, b: Scope): boolean {
  return isSameIn(SCOPE, a, b);
}

/** Whether two settings have the same values, in whatever order their fields were written. */
export const isSameSettings = (a: MailboxSettings, b: MailboxSettings): boolean => isSameIn(SETTINGS, a, b);
