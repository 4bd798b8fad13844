/**
 * Where a message's bytes come from: a buffer, or a function that generates them on each read, so that 100,000
 * generated messages need no memory.
 */
export type RawSource = Buffer | (() => Buffer);

/** A message's state after a change, and when each part of Gmail sees the change. */
export interface Version {
  readonly exists: boolean;
  /** Sorted. */
  readonly labelIds: readonly string[];
  readonly historyId: string;
  /** Clock ms of the change. */
  readonly at: number;
  /** Milliseconds for which the listing index, and the replicas that answer gets, show the version before this one. */
  readonly listDelay: number;
  readonly getDelay: number;
}

/** What never changes about a message. */
export interface MessageIdentity {
  readonly id: string;
  readonly threadId: string;
  /** Epoch ms. */
  readonly internalDate: number;
  readonly source: RawSource;
}

/** One message. Its bytes never change; its versions do. */
export class SimulatedMessage {
  readonly id: string;
  readonly threadId: string;
  readonly internalDate: number;
  readonly #source: RawSource;
  /** Oldest first, never empty. Older versions are kept only while a reader may still see them. */
  #versions: readonly [Version, ...Version[]];

  constructor(identity: MessageIdentity, first: Version) {
    this.id = identity.id;
    this.threadId = identity.threadId;
    this.internalDate = identity.internalDate;
    this.#source = identity.source;
    this.#versions = [first];
  }

  raw(): Buffer {
    return typeof this.#source === 'function' ? this.#source() : this.#source;
  }

  get current(): Version {
    return this.#versions.at(-1) ?? this.#versions[0];
  }

  /** @param keepOlder - whether a reader may still see the older versions */
  change(next: Version, keepOlder: boolean): void {
    if (!keepOlder) {
      this.#versions = [next];
      return;
    }
    const arrived = this.#versions.findLastIndex(
      (version) => next.at >= version.at + Math.max(version.listDelay, version.getDelay),
    );
    const [first, ...rest] = [...this.#versions.slice(Math.max(0, arrived)), next];
    this.#versions = [first ?? next, ...rest];
  }

  /**
   * The newest version that has reached a reader, or null when none has.
   * With jitter a newer version may arrive before an older one; the newest that arrived counts.
   */
  seenBy(reader: 'list' | 'get', now: number, maximumDelay: number): Version | null {
    for (let i = this.#versions.length - 1; i >= 0; i--) {
      const version = this.#versions[i];
      if (version === undefined) continue;
      const delay = Math.min(reader === 'list' ? version.listDelay : version.getDelay, maximumDelay);
      if (now >= version.at + delay) return version;
    }
    return null;
  }
}

/** Where a message stands in the order of messages.list. */
export interface Place {
  readonly internalDate: number;
  readonly id: string;
}

/** Newest first, then by id: the order of messages.list. */
export function byDateDescending(a: Place, b: Place): number {
  return b.internalDate - a.internalDate || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}
