import type { FirstSync } from '../client/preview-settings.ts';
import type { MailboxId } from '../model/ids.ts';
import type { SettingsPreview } from '../model/settings-preview.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { PricedForecast } from '../model/forecast.ts';
import type { TidemarkWithStores } from '../app/open-with-stores.ts';
import { previewWords } from './confirm-change.ts';
import type { VerbContext } from './verb-context.ts';
import { about, aligned, count, counted, moneyWords } from './words.ts';

/** Says what a start would fetch, and starts nothing. */
export async function dryRun(
  { tidemark, out, signal }: VerbContext & { readonly tidemark: TidemarkWithStores },
  mailbox: MailboxId,
  change: SettingsChange,
): Promise<void> {
  const first = await tidemark.client.previewFirstSync(mailbox, change, { signal });
  if (first !== null)
    return out.result({ mailbox, dryRun: true, first, preview: null, left: null }, () =>
      firstSyncLines(mailbox, first),
    );
  const preview = await tidemark.client.previewSettings(mailbox, change);
  const left = await tidemark.client.forecast(mailbox);
  out.result({ mailbox, dryRun: true, first: null, preview, left }, () => laterLines(mailbox, preview, left));
}

function firstSyncLines(mailbox: MailboxId, first: FirstSync): readonly string[] {
  const { messages, conversations, pages, units, requests, money, duration } = first;
  const rows: (readonly [string, string])[] = [
    ['messages', `${count(messages)} in ${counted(conversations, 'conversation')}`],
    ['units', units === null ? 'unknown' : count(units)],
    ['requests', requests === null ? 'unknown' : count(requests)],
    ['time', duration === null ? 'no quota is the limit' : `about ${about(duration)} at the quota's rate`],
  ];
  if (money !== null) rows.push(['cost', `${moneyWords(money)} before the daily free allowance`]);
  return [
    `Nothing was started. The first sync of ${mailbox} would fetch:`,
    ...aligned(rows),
    `Listing its ids took ${counted(pages, 'call')} of messages.list; the sync lists them again.`,
  ];
}

function laterLines(mailbox: MailboxId, preview: SettingsPreview, left: PricedForecast | null): readonly string[] {
  const change = previewWords(preview) ?? nothingWords(preview);
  const rest = left === null || left.unitsLeft === 0 ? [] : [pendingWords(left)];
  return [`Nothing was changed. ${mailbox} was started before. ${change}`, ...rest];
}

const nothingWords = ({ fetching }: SettingsPreview): string =>
  fetching.certainty === 'at-least'
    ? 'These settings remove nothing. Gmail could not be asked whether they fetch anything: try again later.'
    : 'These settings neither remove nor fetch anything.';

function pendingWords({ unitsLeft, requestsLeft, moneyLeft }: PricedForecast): string {
  const cost = moneyLeft === null ? '' : `, ${moneyWords(moneyLeft)}`;
  return (
    `What it has pending already takes ${counted(unitsLeft, 'unit')} in ` +
    `${counted(requestsLeft, 'request')}${cost}.`
  );
}
