import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { mailWithAttachments, type TestAttachment } from '../fixtures/gmail/mail-with-attachments.ts';
import type { Random } from '../fixtures/schedules/seeded-random.ts';

const SYSTEM_LABELS = ['INBOX', 'UNREAD', 'STARRED', 'IMPORTANT', 'SENT'];

/** A person who uses the mailbox: makes one change at a time, of any kind that Gmail has. */
export class Person {
  readonly #gmail: SimulatedMailbox;
  readonly #random: Random;
  readonly #deleted: string[] = [];
  #written = 0;

  constructor(gmail: SimulatedMailbox, random: Random) {
    this.#gmail = gmail;
    this.#random = random;
  }

  receive(at: number): void {
    const ids = this.#ids();
    this.#written += 1;
    const reply = ids.length > 0 && this.#random.chance(0.6);
    const threadId = reply ? this.#gmail.existing(this.#random.pick(ids)).threadId : undefined;
    const labelIds = this.#random.chance(0.1) ? [this.#random.pick(['SPAM', 'TRASH'])] : this.#labels();
    this.#gmail.insert({
      raw: mailWithAttachments({
        subject: `mail ${this.#written}`,
        text: `body ${this.#written} ${this.#random.next()}`,
        attachments: this.#attachments(),
      }),
      labelIds,
      internalDate: at - this.#random.below(1_000_000),
      ...(threadId === undefined ? {} : { threadId }),
    });
  }

  /**
   * Draws attachments. Most mail has none. Some mail has several that only their order tells apart, or one that a
   * RAW get cannot reliably bring.
   */
  #attachments(): TestAttachment[] {
    const count = this.#random.chance(0.6) ? 0 : 1 + this.#random.below(3);
    return Array.from({ length: count }, (_, index) => ({
      name: `${index}.bin`,
      content: `${this.#written}/${this.#random.next().toFixed(3)}`,
      encoding: this.#random.chance(0.1) ? '8bit' : 'base64',
    }));
  }

  change(at: number): void {
    const ids = this.#ids();
    const id = ids.length === 0 ? null : this.#random.pick(ids);
    const dice = this.#random.below(13);
    if (id === null || dice < 3) this.receive(at);
    else if (dice === 3) this.#delete(id);
    else if (dice === 4) this.#gmail.trash(id);
    else if (dice === 5) this.#gmail.untrash(id);
    else if (dice === 6) this.#gmail.modify(this.#several(ids), { add: this.#labels(), remove: ['UNREAD'] });
    else if (dice === 7) this.#gmail.removeLabels(id, ['INBOX']);
    else if (dice === 8) this.#changeLabels();
    else if (dice === 9) this.#restore();
    else if (dice === 12) this.#empty(ids);
    else if (dice === 10)
      this.#gmail.saveDraft(`draft-${this.#random.below(2)}`, `Subject: draft ${this.#random.next()}\r\n\r\ntext`);
    else
      this.#gmail.modify([id], {
        add: this.#random.chance(0.5) ? ['SPAM'] : ['STARRED'],
        remove: this.#random.chance(0.5) ? ['SPAM'] : [],
      });
  }

  #delete(id: string): void {
    this.#gmail.delete(id);
    this.#deleted.push(id);
  }

  /** Deletes much at once: more than a listing's end checks one by one. */
  #empty(ids: readonly string[]): void {
    for (const id of this.#several(ids)) this.#delete(id);
  }

  #restore(): void {
    const id = this.#deleted.pop();
    if (id !== undefined) this.#gmail.restore(id);
  }

  #changeLabels(): void {
    const own = this.#gmail.labels().filter((label) => label.type === 'user');
    const label = own.length === 0 ? null : this.#random.pick(own);
    if (label === null || this.#random.chance(0.4)) this.#gmail.createLabel(`label ${this.#random.next()}`);
    else if (this.#random.chance(0.7)) this.#gmail.renameLabel(label.id, `renamed ${this.#random.next()}`);
    else this.#gmail.deleteLabel(label.id);
  }

  #labels(): string[] {
    const own = this.#gmail.labels().filter((label) => label.type === 'user');
    const all = [...SYSTEM_LABELS, ...own.map((label) => label.id)];
    return all.filter(() => this.#random.chance(0.3));
  }

  #ids(): string[] {
    return this.#gmail.truth({ includeSpamTrash: true }).map((message) => message.id);
  }

  #several(ids: readonly string[]): string[] {
    const some = ids.filter(() => this.#random.chance(0.4));
    return some.length === 0 ? [this.#random.pick(ids)] : some;
  }
}
