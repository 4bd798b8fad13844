/** Which database holds a mailbox, as its workflow remembers it. */
export interface StoreMark {
  /** The id of the database's feed. A backup that is restored keeps it. */
  readonly id: string;
  /**
   * A digest of where the database is. It distinguishes a new database in the place of a lost one from a database
   * elsewhere.
   */
  readonly place: string;
}

export interface StoreIdentity extends StoreMark {
  /** The ids of databases whose mailboxes were moved here. */
  readonly former: readonly string[];
}

/**
 * Whether a database may go on with the mailboxes of a remembered one: it is the same, or they were moved here. A new
 * database in the same place may, too: then the former was lost, and everything is fetched again.
 */
export function continues({ id, former, place }: StoreIdentity, known: StoreMark): boolean {
  return known.id === id || former.includes(known.id) || known.place === place;
}

/** @returns null for a value that no version of Tidemark wrote */
export function storeMarkIn(value: unknown): StoreMark | null {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('place' in value)) return null;
  const { id, place } = value;
  return isShort(id) && isShort(place) ? { id, place } : null;
}

const isShort = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 100;
