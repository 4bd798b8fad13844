import type { StoreMark } from '../model/store-identity.ts';
import type { MailboxState } from './mailbox-state.ts';

/** The number of the retry that the next slice must serve. */
export function retryWanted({ retries }: MailboxState): { readonly retry?: number } {
  return retries.requested > retries.served ? { retry: retries.requested } : {};
}

/** A slice is small when at most this many messages are left. */
const FEW_MESSAGES = 250;

/** Whether the next slice is a small one. */
export function smallWanted({ pending, failed }: MailboxState): { readonly isSmall?: true } {
  return pending + failed <= FEW_MESSAGES ? { isSmall: true } : {};
}

/** When the first poke came that the next partial sync serves. */
export function pokeServed({ pokedAt }: MailboxState): { readonly pokedAt?: number } {
  return pokedAt.serving === null ? {} : { pokedAt: pokedAt.serving };
}

/** The database that holds the mailbox. The request of every activity names it. */
export function storeOf({ store }: MailboxState): { readonly store?: StoreMark } {
  return store === null ? {} : { store };
}

/** A blocked mailbox first asks whether Gmail serves it. */
export function questionOf(state: MailboxState): { readonly ask?: true; readonly store?: StoreMark } {
  return { ...(state.blocked === null ? {} : { ask: true }), ...storeOf(state) };
}

/** Marks the result of work that began with a blocked mailbox's question. */
export function answerTo({ blocked }: MailboxState): { readonly asked?: true } {
  return blocked === null ? {} : { asked: true };
}

/** The number of the requested audit that has not run yet. */
export function auditWanted({ audits }: MailboxState): { readonly audit?: number } {
  return audits.requested > audits.served ? { audit: audits.requested } : {};
}
