/**
 * A mailbox that is being removed, or moved to this database, has an id without an @: no reader and no writer finds it.
 * In SQL: `id like READABLE_ID`.
 */
export const READABLE_ID = '%@%';

/** The same test for an id that was read. */
export const isReadableId = (id: string): boolean => id.includes('@');
