/** Why a fetch failed, where the message may be gone. The next attempt goes by the words that the last one left. */
export const NOT_FOUND = 'not found';
export const UNSEEN = 'not found, nor in its thread';

/** Errors after which only 404s speak of the message so far. A get that finds it refutes them. */
export const SEEMS_GONE: readonly string[] = [NOT_FOUND, UNSEEN];

/** See {@link SEEMS_GONE}. */
export const seemsGone = (error: string | null): boolean => error !== null && SEEMS_GONE.includes(error);
