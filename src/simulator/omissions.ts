/** The listings that leave a message out. */
export type OmittedFrom =
  /** Listings and searches of the whole mailbox, which name no label. */
  | 'listing'
  /** Listings that ask for this label. */
  | `label:${string}`
  /** Every listing. */
  | 'all';

/**
 * A message that listings leave out although it exists. Gets, history and all other listings still show it.
 */
export interface Omission {
  readonly messageId: string;
  /** `listing` when not given. */
  readonly from?: OmittedFrom | undefined;
  /** Clock ms from which the message is listed again; when not given, the omission lasts until it is removed. */
  readonly until?: number | undefined;
}

interface Active {
  readonly omission: Omission;
  strikes: number;
}

/**
 * The omissions of one mailbox. https://github.com/anthropics/claude-code/issues/82548 reports messages that searches
 * left out for days, but gets never did.
 */
export class Omissions {
  readonly #byMessage = new Map<string, Map<number, Active>>();
  #added = 0;

  /** @returns the omission's handle; `strikes` is how often it made a listing leave the message out */
  add(omission: Omission): { readonly id: number; remove(): void; readonly strikes: number } {
    this.#added += 1;
    const id = this.#added;
    const active: Active = { omission, strikes: 0 };
    const ofMessage = this.#byMessage.get(omission.messageId);
    if (ofMessage === undefined) this.#byMessage.set(omission.messageId, new Map([[id, active]]));
    else ofMessage.set(id, active);
    return {
      id,
      remove: () => this.remove(id),
      get strikes() {
        return active.strikes;
      },
    };
  }

  remove(id: number): void {
    for (const ofMessage of this.#byMessage.values()) ofMessage.delete(id);
  }

  clear(): void {
    this.#byMessage.clear();
  }

  /** Whether a listing by these labels leaves the message out at `now`. */
  omits(messageId: string, labelIds: readonly string[], now: number): boolean {
    for (const [id, active] of this.#byMessage.get(messageId) ?? []) {
      const { from = 'listing', until = Number.POSITIVE_INFINITY } = active.omission;
      if (now >= until) this.remove(id);
      else if (concerns(from, labelIds)) {
        active.strikes += 1;
        return true;
      }
    }
    return false;
  }
}

function concerns(from: OmittedFrom, labelIds: readonly string[]): boolean {
  if (from === 'all') return true;
  return from === 'listing' ? labelIds.length === 0 : labelIds.includes(from.slice('label:'.length));
}
