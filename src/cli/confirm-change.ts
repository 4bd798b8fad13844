import { askYesNo } from '../host/terminal.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { MailboxId } from '../model/ids.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { FetchingPreview, SettingsPreview } from '../model/settings-preview.ts';
import type { TidemarkWithStores } from '../app/open-with-stores.ts';
import type { VerbContext } from './verb-context.ts';
import { about, count, counted, moneyWords } from './words.ts';

/** What was asked for, in the words of the command line. */
interface AskedChange {
  readonly mailbox: MailboxId;
  readonly change: SettingsChange;
  readonly verb: 'start' | 'configure';
  /** Whether `--yes` was given. */
  readonly yes: boolean;
}

/**
 * Says what a change of settings will remove and fetch, and asks whether that is meant. It does not ask about a change
 * that does neither, or about a mailbox that holds nothing yet.
 *
 * @throws {SettingsRefusedError} when the change is surely an error
 * @throws {CannotDoError} `not-confirmed` when the person does not say yes; nothing was changed then
 */
export async function confirmChange(
  { tidemark, out, signal, stdin, stderr }: VerbContext & { readonly tidemark: TidemarkWithStores },
  { mailbox, change, verb, yes }: AskedChange,
): Promise<void> {
  if (Object.keys(change).length === 0) return;
  const preview = await tidemark.client.previewSettings(mailbox, change);
  const words = preview.held === 0 ? null : previewWords(preview);
  if (words === null) return;
  if (yes) {
    if (!out.json) out.notice(`${mailbox}: ${words}`);
    return;
  }
  if (stdin?.isTTY === true && stderr.isTTY === true && !out.json) {
    out.notice(`${mailbox}: ${words}`);
    if (await askYesNo({ keyboard: stdin, terminal: stderr }, 'Change the settings?', signal)) return;
    throw new CannotDoError('not-confirmed', `${mailbox} was not changed.`);
  }
  throw new CannotDoError(
    'not-confirmed',
    `${mailbox} was not changed. ${words} If that is meant, say so: tidemark ${verb} ${mailbox} … --yes`,
  );
}

/** @returns null when the change neither removes nor fetches */
export function previewWords({ held, leaving, fetching, lists }: SettingsPreview): string | null {
  if (!lists || (leaving === 0 && fetching.messages === 0)) return null;
  const leave =
    leaving === 0
      ? null
      : `${leaving === held ? `all ${count(held)}` : `${count(leaving)} of ${count(held)}`} messages leave`;
  const fetch = fetching.messages === 0 ? null : `${fetchingWords(fetching)} to fetch`;
  const both = [leave, fetch].filter((part) => part !== null).join(', and ');
  return `Of its mail, ${both}${costWords(fetching)}.`;
}

const CERTAINTY = { exact: '', 'at-least': 'at least ', 'at-most': 'at most ' } as const;

function fetchingWords({ messages, certainty }: FetchingPreview): string {
  return `${CERTAINTY[certainty]}${counted(messages, 'message')} ${messages === 1 ? 'is' : 'are'}`;
}

function costWords({ messages, units, requests, money, duration }: FetchingPreview): string {
  if (messages === 0 || units === null) return '';
  const inRequests = requests === null ? '' : ` in ${counted(requests, 'request')}`;
  const time = duration === null ? '' : `, about ${about(duration)}`;
  const cost = money === null ? '' : `, ${moneyWords(money)}`;
  return ` (at most ${counted(units, 'unit')}${inRequests}${time}${cost})`;
}
