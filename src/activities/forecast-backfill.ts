import { backfillRate, whenSpent } from '../gmail/quota/when-spent.ts';
import { priceOfWork } from '../gmail/quota/fetch-plan.ts';
import { moneyOf, type FetchPrice } from '../gmail/quota/fetch-price.ts';
import { readLedger } from '../gmail/quota/ledger-document.ts';
import { LONGEST_SPAN, unitsWithin } from '../gmail/quota/ledger-window.ts';
import { UNPACED } from '../gmail/quota/pacer.ts';
import type { Clock } from '../model/clock.ts';
import type { PricedForecast } from '../model/forecast.ts';
import type { MailboxId } from '../model/ids.ts';
import type { WorkLeft } from '../model/work-left.ts';
import type { WorkPrice } from '../model/settings-preview.ts';
import type { PriceTable } from '../model/prices.ts';
import { wantsAttachments, type MailboxSettings } from '../model/settings.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import { unitsPaidAhead } from '../gmail/quota/batch-units.ts';
import { dayLeft } from './daily-budget.ts';
import { isListing } from './known-mailbox.ts';
import { backfillUnitsPerMinute } from './slice-rate.ts';

export interface ForecastDependencies {
  readonly store: MailboxRegistry & WorkStore & SpentUnits;
  readonly prices: PriceTable;
  /** The part of each user's quota that Tidemark may use; all of it when not given. */
  readonly userShare?: number | undefined;
  readonly clock: Clock;
}

/**
 * Divides what a mailbox has left to fetch, at the plan's prices, by the rate that the ledger grants. No speed is
 * measured, so the forecast is right from the first moment and does not swing with bursts and waits.
 *
 * @returns null when the store does not know the mailbox
 */
export async function forecast(deps: ForecastDependencies, mailbox: MailboxId): Promise<PricedForecast | null> {
  const { store, prices, userShare = 1, clock } = deps;
  const row = await store.getMailbox(mailbox);
  if (row === null) return null;
  const now = clock.now();
  const ledger = readLedger(await store.getLedger(mailbox));
  const lastMinute = unitsWithin(ledger.window, LONGEST_SPAN, now);
  const { settings, conditions } = row;
  const attachments = wantsAttachments(settings);
  const work = await store.workLeft({ mailbox, attachments });
  const price = priceOfWork(work, { format: settings.format, attachments }, prices);
  const units = lastMinute === 0 ? price.units : Math.max(0, price.units - unitsPaidAhead(prices));
  const granted = prices.userUnitsPerMinute * userShare;
  const ownRate = backfillRate(ledger, granted, now);
  const sharers = units === 0 ? 1 : Math.max(1, await deps.store.countBackfills());
  const projectRate = backfillUnitsPerMinute(prices) / sharers;
  const rate = Math.min(ownRate, projectRate);
  const known = {
    unitsLeft: Math.round(price.units),
    requestsLeft: Math.round(price.requests),
    moneyLeft: moneyOf(price, prices),
    unitsPerMinute: Math.round(rate),
    lastMinute,
  };
  if (isListing(row) || prices.userUnitsPerMinute >= UNPACED) return { ...known, finishAt: null };
  const notBefore = Math.max(
    ...[conditions.live, conditions.backfill].map((condition) =>
      condition?.kind === 'rate-limited' ? (condition.until ?? 0) : 0,
    ),
  );
  const ownEnd = whenSpent(ledger, { units, granted, notBefore }, now);
  if (ownEnd === null) return { ...known, finishAt: null };
  const projectEnd = Math.max(now, notBefore) + (units / projectRate) * LONGEST_SPAN;
  return {
    ...known,
    finishAt: Math.round(
      Math.max(ownEnd, projectEnd, units === 0 ? now : await dailyEnd(deps, units, { sharers, rate })),
    ),
  };
}

/**
 * What it costs to fetch messages that are not pending yet, whole or only their attachments.
 *
 * @returns null when the store does not know the mailbox; a duration of null where no quota is the limit
 */
export async function priceOfFetching(
  deps: ForecastDependencies,
  mailbox: MailboxId,
  { whole, attachments, settings }: { whole: number; attachments: number; settings: MailboxSettings },
): Promise<WorkPrice | null> {
  const now = await forecast(deps, mailbox);
  if (now === null) return null;
  const { attachedShare } = await deps.store.workLeft({ mailbox, attachments: true });
  const threads = [{ fresh: 1, threads: whole }];
  const target = { format: settings.format, attachments: wantsAttachments(settings) };
  const price = priceOfWork({ threads, tried: 0, lacking: attachments, attachedShare }, target, deps.prices);
  const isPaced = deps.prices.userUnitsPerMinute < UNPACED && now.unitsPerMinute > 0;
  return workPrice(price, deps.prices, isPaced ? (price.units / now.unitsPerMinute) * LONGEST_SPAN : null);
}

/** What it will take to fetch a mailbox that the store does not know yet. */
export async function priceOfListed(
  deps: ForecastDependencies,
  { threads, attachedShare }: Pick<WorkLeft, 'threads' | 'attachedShare'>,
  settings: MailboxSettings,
): Promise<WorkPrice> {
  const { prices, userShare = 1, clock } = deps;
  const target = { format: settings.format, attachments: wantsAttachments(settings) };
  const price = priceOfWork({ threads, tried: 0, lacking: 0, attachedShare }, target, prices);
  const sharers = 1 + (await deps.store.countBackfills());
  const rate = Math.min(prices.userUnitsPerMinute * userShare, backfillUnitsPerMinute(prices) / sharers);
  const ended = await dailyEnd(deps, price.units, { sharers, rate });
  const byMinutes = (price.units / rate) * LONGEST_SPAN;
  const isPaced = prices.userUnitsPerMinute < UNPACED;
  return workPrice(price, prices, isPaced ? Math.max(byMinutes, ended - clock.now()) : null);
}

const workPrice = (price: FetchPrice, prices: PriceTable, duration: number | null): WorkPrice => ({
  units: Math.round(price.units),
  requests: Math.round(price.requests),
  money: moneyOf(price, prices),
  duration: duration === null ? null : Math.round(duration),
});

const DAY = 24 * 60 * LONGEST_SPAN;

/**
 * When the project's daily budgets, shared evenly by all mailboxes with a backfill, will have paid for `units`; 0 when
 * today's budget does.
 */
async function dailyEnd(
  deps: ForecastDependencies,
  units: number,
  { sharers, rate }: { readonly sharers: number; readonly rate: number },
): Promise<number> {
  const { left, perDay, until } = await dayLeft(deps);
  const later = units - Math.max(0, left) / sharers;
  if (!(later > 0)) return 0;
  const days = Math.floor(later / (perDay / sharers));
  return until + days * DAY + ((later - days * (perDay / sharers)) / rate) * LONGEST_SPAN;
}
