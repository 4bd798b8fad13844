import type { MailboxState } from './mailbox-state.ts';

/** The number of the retry that the next slice must serve. */
export function retryWanted({ retries }: MailboxState): { readonly retry?: number } {
  return retries.requested > retries.served ? { retry: retries.requested } : {};
}

/** When the first poke came that the next partial sync serves. */
export function pokeServed({ pokedAt }: MailboxState): { readonly pokedAt?: number } {
  return pokedAt.serving === null ? {} : { pokedAt: pokedAt.serving };
}

/** A blocked mailbox first asks whether Gmail serves it. */
export function questionOf({ blocked }: MailboxState): { readonly ask?: true } {
  return blocked === null ? {} : { ask: true };
}

/** Marks the result of work that began with a blocked mailbox's question. */
export function answerTo({ blocked }: MailboxState): { readonly asked?: true } {
  return blocked === null ? {} : { asked: true };
}

/** The number of the requested audit that has not run yet. */
export function auditWanted({ audits }: MailboxState): { readonly audit?: number } {
  return audits.requested > audits.served ? { audit: audits.requested } : {};
}
