import type { LabelId, MailboxId } from '../model/ids.ts';
import { isSameScope, needsFullSync, type MailboxSettings } from '../model/settings.ts';
import type { FetchingPreview, ScopeCount, SettingsPreview, WorkPrice } from '../model/settings-preview.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SettingsPreviews } from '../store/reads/held-under-settings.ts';
import { SettingsRefusedError } from './errors.ts';

/** What a preview needs of Gmail and of the quota's prices. Each answers null when it does not know. */
export interface PreviewAccess {
  /** How many messages the scope of these settings has at Gmail. */
  inScope(mailbox: MailboxId, settings: MailboxSettings): Promise<ScopeCount | null>;
  /** Lists the whole scope of a mailbox that was never synchronised, and prices its first sync. */
  firstSync(mailbox: MailboxId, settings: MailboxSettings, signal?: AbortSignal): Promise<FirstSync | null>;
  /** Whether the mailbox has a label at Gmail. */
  hasLabel(mailbox: MailboxId, labelId: LabelId): Promise<boolean | null>;
  /** What it costs to fetch messages, whole or only their attachments. */
  price(
    mailbox: MailboxId,
    work: { readonly whole: number; readonly attachments: number; readonly settings: MailboxSettings },
  ): Promise<WorkPrice | null>;
}

export interface PreviewRequest {
  readonly store: MailboxRegistry & SettingsPreviews & LabelStore;
  readonly access: PreviewAccess;
  readonly mailbox: MailboxId;
  readonly before: MailboxSettings;
  readonly after: MailboxSettings;
}

/** Says what a change of settings would do, and changes nothing. */
export async function previewSettings({ store, access, mailbox, ...change }: PreviewRequest): Promise<SettingsPreview> {
  const { before, after } = change;
  const lists = needsFullSync(before, after);
  const isStored = (await store.getMailbox(mailbox)) !== null;
  const known = isStored
    ? await store.heldUnder({ mailbox, before, after })
    : { held: 0, leaving: 0, known: 0, whole: 0, attachments: 0 };
  const { held, leaving } = known;
  if (isStored && !lists) return { before, after, lists, held, leaving: 0, fetching: NOTHING };
  const isCounted = !isStored || !isSameScope(before.scope, after.scope);
  const atGmail = isCounted ? await access.inScope(mailbox, after) : { messages: known.known, isExact: true };
  // What Gmail counts and the store does not know.
  const unknown = Math.max(0, (atGmail?.messages ?? 0) - known.known);
  const work = { whole: known.whole + unknown, attachments: known.attachments, settings: after };
  const price = (await access.price(mailbox, work)) ?? UNPRICED;
  const certainty = atGmail === null ? 'at-least' : atGmail.isExact ? 'exact' : 'at-most';
  return {
    before,
    after,
    lists,
    held,
    leaving,
    fetching: { messages: work.whole + work.attachments, certainty, ...price },
  };
}

const UNPRICED: WorkPrice = { units: null, requests: null, money: null, duration: null };
const NOTHING: FetchingPreview = {
  messages: 0,
  certainty: 'exact',
  units: 0,
  requests: 0,
  money: null,
  duration: 0,
};

/**
 * Refuses what is surely an error. Reads every row of the mailbox when the scope changes, and asks Gmail for a count
 * when no message that is held would stay.
 *
 * @param now - epoch ms
 * @param preview - the preview of the same request, if it was made already
 * @throws {SettingsRefusedError}
 */
export async function requireSensible(request: PreviewRequest, now: number, preview?: SettingsPreview): Promise<void> {
  const { store, mailbox, before, after } = request;
  const { scope } = after;
  if (scope.after !== null && scope.after > now)
    throw new SettingsRefusedError(
      mailbox,
      'after-in-future',
      `${mailbox} was not changed: mail from ${new Date(scope.after).toISOString().slice(0, 10)} on is not there ` +
        'yet, and all that is held would leave. Give a date in the past.',
    );
  if (isSameScope(before.scope, scope) || (await store.getMailbox(mailbox)) === null) return;
  const added = scope.labelIds.filter((id) => !before.scope.labelIds.includes(id));
  await requireLabels(request, added);
  const { held, leaving } = preview ?? (await store.heldUnder({ mailbox, before, after }));
  if (held === 0 || leaving !== held) return;
  const { fetching } = preview ?? (await previewSettings(request));
  if (fetching.messages === 0)
    throw new SettingsRefusedError(
      mailbox,
      'nothing-left',
      `${mailbox} was not changed: ` +
        `${held === 1 ? 'the one message' : `all ${held} messages`} that it holds would leave, ` +
        (fetching.certainty === 'at-least'
          ? 'and Gmail could not be asked whether the new scope has other ones. Try again later.'
          : 'and the new scope has no other ones. Check the labels and the date.'),
    );
}

/** The store knows the labels of the last listing; Gmail is asked only about others. */
async function requireLabels({ store, access, mailbox }: PreviewRequest, added: readonly LabelId[]): Promise<void> {
  if (added.length === 0) return;
  const known = new Set((await store.getLabels(mailbox)).map(({ id }) => id));
  for (const id of added)
    if (!known.has(id) && (await access.hasLabel(mailbox, id)) === false)
      throw new SettingsRefusedError(
        mailbox,
        'unknown-label',
        `${mailbox} was not changed: Gmail has no label with the id ${JSON.stringify(id)} in it.`,
      );
}

/** What the first sync of a mailbox will take, from nothing but listings. */
export interface FirstSync extends FetchingPreview {
  /** How many threads the messages belong to. */
  readonly conversations: number;
  /** Calls of messages.list that it took to know that. */
  readonly pages: number;
}

/** Without Gmail and prices: what the store can say by itself. */
export const STORE_ALONE: PreviewAccess = {
  inScope: () => Promise.resolve(null),
  firstSync: () => Promise.resolve(null),
  hasLabel: () => Promise.resolve(null),
  price: () => Promise.resolve(null),
};
