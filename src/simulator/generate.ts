import type { SimulatedMailbox } from './simulated-mailbox.ts';
import { summaryOf, mailBytes, type MailKind, type MailPlan } from './mail-writer.ts';
import { Random, seedFor } from './random.ts';

export interface GenerateOptions {
  readonly messages: number;
  /** Epoch ms of the newest mail. */
  readonly now: number;
  /** Derived from the mailbox's address when not given. */
  readonly seed?: number | undefined;
  /** The exact size of every message in bytes; realistic sizes when not given. */
  readonly bodyBytes?: number | undefined;
  /** Messages in a thread on average, at least 1. */
  readonly threadSize?: number | undefined;
  /** How far back the mail goes. */
  readonly years?: number | undefined;
}

export const USER_LABELS = ['Family', 'Receipts', 'Travel', 'Work', 'Work/Projects', 'Später lesen'];
const YEAR_MS = 365.25 * 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * Fills a mailbox with mail that looks like a person's: years of conversations, newsletters and notices. Older mail is
 * more often read and filed. Only a plan of each message is kept. Its bytes are generated on each read and are always
 * the same.
 */
export function generateMail(mailbox: SimulatedMailbox, options: GenerateOptions): void {
  const random = new Random(options.seed ?? seedFor(1, mailbox.email));
  const labels = userLabels(mailbox);
  const threads = new Map<number, string>();
  for (const plan of planned(mailbox.email, options, random).sort((a, b) => a.date - b.date)) {
    const inserted = mailbox.insert({
      raw: () => mailBytes(plan),
      labelIds: labelsOf(plan, options.now, labels, random),
      threadId: threads.get(plan.threadSeed),
      internalDate: plan.date,
    });
    threads.set(plan.threadSeed, inserted.threadId);
  }
}

/**
 * Ids of the mailbox's own labels; creates the labels that are missing. Gmail treats names that differ only in case as
 * the same.
 */
export function userLabels(mailbox: SimulatedMailbox): string[] {
  const known = new Map(mailbox.labels().map((label) => [label.name.toLowerCase(), label]));
  return USER_LABELS.map((name) => (known.get(name.toLowerCase()) ?? mailbox.createLabel(name)).id);
}

function planned(
  owner: string,
  { messages, now, bodyBytes, threadSize = 3, years = 6 }: GenerateOptions,
  random: Random,
): MailPlan[] {
  const plans: MailPlan[] = [];
  const seeds = new Set<number>();
  while (plans.length < messages) {
    const threadSeed = random.int(2 ** 32);
    if (seeds.has(threadSeed)) continue;
    seeds.add(threadSeed);
    const length = Math.min(messages - plans.length, lengthOf(threadSize, random));
    const kind: MailKind = length > 1 ? 'conversation' : random.pick(['conversation', 'newsletter', 'notice']);
    // More mail in later years, as with most people.
    let date = Math.floor(now - years * YEAR_MS * (1 - Math.sqrt(random.next())));
    for (let position = 0; position < length; position++) {
      plans.push({ owner, threadSeed, position, kind, date: Math.min(date, now), bytes: bodyBytes ?? null });
      date += Math.floor(HOUR_MS * (0.1 + 40 * random.next() ** 3));
    }
  }
  return plans;
}

/** Geometric: most threads are short and few are very long, with the given mean. */
function lengthOf(mean: number, random: Random): number {
  if (mean <= 1) return 1;
  return 1 + Math.min(200, Math.floor(Math.log(1 - random.next()) / Math.log(1 - 1 / mean)));
}

function labelsOf(plan: MailPlan, now: number, own: readonly string[], random: Random): string[] {
  const { isFromOwner } = summaryOf(plan);
  if (!isFromOwner && plan.position === 0 && random.chance(0.02)) return ['SPAM', 'UNREAD'];
  const age = (now - plan.date) / YEAR_MS;
  const labels = isFromOwner ? ['SENT'] : [categoryOf(plan.kind, random)];
  if (random.chance(0.02)) return [...labels, 'TRASH'];
  if (!isFromOwner && random.chance(age < 0.1 ? 0.9 : 0.35)) labels.push('INBOX');
  if (!isFromOwner && random.chance(age < 0.1 ? 0.4 : 0.08)) labels.push('UNREAD');
  if (random.chance(0.05)) labels.push('STARRED');
  if (plan.kind === 'conversation' && random.chance(0.4)) labels.push('IMPORTANT');
  if (random.chance(0.15)) labels.push(random.pick(own));
  return labels;
}

function categoryOf(kind: MailKind, random: Random): string {
  switch (kind) {
    case 'newsletter':
      return 'CATEGORY_PROMOTIONS';
    case 'notice':
      return random.pick(['CATEGORY_UPDATES', 'CATEGORY_UPDATES', 'CATEGORY_SOCIAL', 'CATEGORY_FORUMS']);
    case 'conversation':
      return 'CATEGORY_PERSONAL';
  }
}
