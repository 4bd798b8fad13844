import { ApiError, invalidArgument, notFound } from './api-error.ts';

export interface SimulatedLabel {
  readonly id: string;
  readonly name: string;
  readonly type: 'system' | 'user';
}

/** https://developers.google.com/workspace/gmail/api/guides/labels */
export const SYSTEM_LABELS = [
  'INBOX',
  'SPAM',
  'TRASH',
  'UNREAD',
  'STARRED',
  'IMPORTANT',
  'SENT',
  'DRAFT',
  'CHAT',
  'CATEGORY_PERSONAL',
  'CATEGORY_SOCIAL',
  'CATEGORY_PROMOTIONS',
  'CATEGORY_UPDATES',
  'CATEGORY_FORUMS',
] as const;

/**
 * A label that messages carry and labels.list does not name. Reported at https://github.com/gauteh/lieer/issues/48 and
 * 49.
 */
export interface Unlisted {
  /** Whether labels.get answers the label, or 404. */
  readonly get: 'answers' | 'missing';
  /** Clock ms from which the label is listed again; only {@link LabelBook.relist} lists it again when not given. */
  readonly until?: number | undefined;
}

/** The labels of one mailbox: the system's, and the user's own. */
export class LabelBook {
  readonly #labels = new Map<string, SimulatedLabel>();
  readonly #email: string;
  readonly #unlisted = new Map<string, Unlisted>();
  #created = 0;

  constructor(email: string) {
    this.#email = email;
    for (const id of SYSTEM_LABELS) this.#labels.set(id, { id, name: id, type: 'system' });
  }

  all(): SimulatedLabel[] {
    return [...this.#labels.values()];
  }

  /** The labels that labels.list answers. */
  listed(now: number): SimulatedLabel[] {
    return this.all().filter(({ id }) => this.#unlistedAt(id, now) === null);
  }

  /**
   * The label that labels.get answers.
   * @throws {ApiError} 404
   */
  shown(id: string, now: number): SimulatedLabel {
    if (this.#unlistedAt(id, now)?.get === 'missing') throw notFound(`label ${id} of ${this.#email}`);
    return this.get(id);
  }

  /** From now on labels.list leaves the label out; messages, history and listings by the label go on as before. */
  unlist(id: string, unlisted: Unlisted): void {
    this.#unlisted.set(this.get(id).id, unlisted);
  }

  relist(id: string): void {
    this.#unlisted.delete(id);
  }

  get(id: string): SimulatedLabel {
    const label = this.#labels.get(id);
    if (label === undefined) throw notFound(`label ${id} of ${this.#email}`);
    return label;
  }

  /** @throws {ApiError} 400, as messages.modify answers for an unknown label */
  assertKnown(ids: readonly string[]): void {
    for (const id of ids) {
      if (!this.#labels.has(id))
        throw invalidArgument(
          `Invalid label: ${id}`,
          `${this.#email} has no label with the id "${id}"; ` +
            'createLabel (POST /simulator/labels) makes one and gives its id',
        );
    }
  }

  create(name: string): SimulatedLabel {
    this.#assertFree(name, null);
    this.#created += 1;
    const label: SimulatedLabel = { id: `Label_${this.#created}`, name, type: 'user' };
    this.#labels.set(label.id, label);
    return label;
  }

  rename(id: string, name: string): SimulatedLabel {
    const label = this.#userLabel(id);
    this.#assertFree(name, id);
    const renamed = { ...label, name };
    this.#labels.set(id, renamed);
    return renamed;
  }

  /** @throws {ApiError} 404 when there is no such label, 400 when it is one of Gmail's own */
  requireUserLabel(id: string): void {
    this.#userLabel(id);
  }

  remove(id: string): void {
    this.#userLabel(id);
    this.#labels.delete(id);
  }

  #unlistedAt(id: string, now: number): Unlisted | null {
    const unlisted = this.#unlisted.get(id);
    return unlisted === undefined || now >= (unlisted.until ?? Number.POSITIVE_INFINITY) ? null : unlisted;
  }

  #userLabel(id: string): SimulatedLabel {
    const label = this.get(id);
    if (label.type === 'system')
      throw invalidArgument(
        'Invalid update request',
        `the label ${id} is Gmail's own: it cannot be renamed or deleted`,
      );
    return label;
  }

  #assertFree(name: string, except: string | null): void {
    if (name.trim() === '') throw invalidArgument('Invalid label name', 'a label needs a name that is not empty');
    const taken = this.all().find((label) => label.id !== except && label.name.toLowerCase() === name.toLowerCase());
    if (taken !== undefined)
      throw new ApiError(
        409,
        'aborted',
        'Label name exists or conflicts',
        `${this.#email} already has a label "${taken.name}": its id is ${taken.id}`,
      );
  }
}
