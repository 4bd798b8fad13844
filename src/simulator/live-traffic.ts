import type { Clock } from '../model/clock.ts';
import { userLabels } from './generate.ts';
import { MailFileError } from './mail-file-error.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import type { SimulatedMessage } from './simulated-message.ts';
import { subjectOf, parseMessage } from './payload.ts';
import { summaryOf, mailBytes, type MailKind, type MailPlan } from './mail-writer.ts';
import { Random, seedFor } from './random.ts';
import type { Simulator } from './simulator.ts';

export interface LiveTrafficOptions {
  readonly simulator: Simulator;
  readonly email: string;
  readonly clock: Clock;
  /** Ends the traffic. */
  readonly signal: AbortSignal;
  /** Milliseconds between two changes on average. */
  readonly everyMs: number;
  readonly seed?: number | undefined;
}

/** Makes the changes of a mailbox in use, one at a time; yields one sentence right after each change. */
export async function* liveTraffic({
  simulator,
  email,
  clock,
  signal,
  everyMs,
  seed = 1,
}: LiveTrafficOptions): AsyncGenerator<string> {
  const traffic = new Traffic(simulator.mailbox(email), clock, new Random(seedFor(seed, `live ${email}`)));
  while (!signal.aborted) {
    try {
      await clock.sleep(Math.round(everyMs * traffic.random.next() * 2), signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    yield traffic.next();
  }
}

type Deed = (message: SimulatedMessage) => string;

/** Each change applies to one of the newest messages that it fits. When it fits no message, new mail arrives. */
class Traffic {
  readonly random: Random;
  readonly #mailbox: SimulatedMailbox;
  readonly #clock: Clock;
  readonly #conversations: { plan: MailPlan; threadId: string }[] = [];
  readonly #labels: readonly string[];

  constructor(mailbox: SimulatedMailbox, clock: Clock, random: Random) {
    this.#mailbox = mailbox;
    this.#clock = clock;
    this.random = random;
    this.#labels = userLabels(mailbox);
  }

  next(): string {
    const dice = this.random.next();
    if (dice < 0.35) return this.#arrives();
    if (dice < 0.5) return this.#reply();
    if (dice < 0.68)
      return this.#do(
        (labels) => labels.includes('UNREAD'),
        (message) => this.#relabel(message, 'was read', { remove: ['UNREAD'] }),
      );
    if (dice < 0.76)
      return this.#do(
        (labels) => !labels.includes('STARRED'),
        (message) => this.#relabel(message, 'got a star', { add: ['STARRED'] }),
      );
    if (dice < 0.86)
      return this.#do(
        (labels) => labels.includes('INBOX'),
        (message) => this.#relabel(message, 'was archived', { remove: ['INBOX'] }),
      );
    if (dice < 0.94) return this.#file();
    if (dice < 0.98)
      return this.#do(
        (labels) => !labels.includes('TRASH'),
        (message) => this.#relabel(message, 'went to the trash', { add: ['TRASH'] }),
      );
    return this.#do(
      (labels) => labels.includes('TRASH'),
      (message) => {
        this.#mailbox.delete(message.id);
        return `${quote(message)} was deleted for good`;
      },
    );
  }

  #arrives(): string {
    const kind = this.random.pick<MailKind>(['conversation', 'conversation', 'conversation', 'newsletter', 'notice']);
    const plan: MailPlan = {
      owner: this.#mailbox.email,
      threadSeed: this.random.int(2 ** 32),
      position: 0,
      kind,
      date: this.#clock.now(),
      bytes: null,
    };
    return this.#insert(plan, undefined);
  }

  #reply(): string {
    const index = this.random.int(Math.max(1, this.#conversations.length));
    const conversation = this.#conversations[index];
    if (conversation === undefined) return this.#arrives();
    this.#conversations.splice(index, 1);
    return this.#insert(
      { ...conversation.plan, position: conversation.plan.position + 1, date: this.#clock.now() },
      conversation.threadId,
    );
  }

  #insert(plan: MailPlan, threadId: string | undefined): string {
    const { from, subject, isFromOwner } = summaryOf(plan);
    const category = {
      conversation: 'CATEGORY_PERSONAL',
      newsletter: 'CATEGORY_PROMOTIONS',
      notice: 'CATEGORY_UPDATES',
    }[plan.kind];
    const inserted = this.#mailbox.insert({
      raw: () => mailBytes(plan),
      labelIds: isFromOwner ? ['SENT'] : ['INBOX', 'UNREAD', category],
      threadId,
      internalDate: plan.date,
    });
    if (plan.kind === 'conversation') this.#conversations.push({ plan, threadId: inserted.threadId });
    return isFromOwner ? `The owner sent “${subject}”` : `${from.name} wrote “${subject}”`;
  }

  #file(): string {
    const id = this.random.pick(this.#labels);
    const name = this.#mailbox.labels().find((label) => label.id === id)?.name;
    if (name === undefined) return this.#arrives(); // somebody deleted the label
    return this.#do(
      (labels) => !labels.includes(id),
      (message) => this.#relabel(message, `was labelled “${name}”`, { add: [id] }),
    );
  }

  #do(suits: (labelIds: readonly string[]) => boolean, deed: Deed): string {
    const candidates: SimulatedMessage[] = [];
    let seen = 0;
    for (const message of this.#mailbox.all()) {
      seen += 1;
      if (suits(message.current.labelIds)) candidates.push(message);
      if (candidates.length === 20 || seen === 500) break;
    }
    return candidates.length === 0 ? this.#arrives() : deed(this.random.pick(candidates));
  }

  #relabel(
    message: SimulatedMessage,
    what: string,
    labels: { add?: readonly string[]; remove?: readonly string[] },
  ): string {
    this.#mailbox.modify([message.id], labels);
    return `${quote(message)} ${what}`;
  }
}

function quote(message: SimulatedMessage): string {
  const subject = subjectIn(message);
  if (subject === null) return 'A message whose file cannot be read any more';
  return subject === '' ? 'A message without a subject' : `“${subject}”`;
}

/** @returns null for imported mail whose file was moved or changed since */
function subjectIn(message: SimulatedMessage): string | null {
  try {
    return subjectOf(parseMessage(message.raw()).root);
  } catch (error) {
    if (error instanceof MailFileError) return null;
    throw error;
  }
}
