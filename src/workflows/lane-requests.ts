import type { MailboxState } from './mailbox-state.ts';

/** The number of the retry that the next slice must serve. */
export function retryWanted({ retries }: MailboxState): { readonly retry?: number } {
  return retries.requested > retries.served ? { retry: retries.requested } : {};
}

/** Since when somebody waits for what the next partial sync brings. */
export function pokeServed({ pokedAt }: MailboxState): { readonly pokedAt?: number } {
  return pokedAt.serving === null ? {} : { pokedAt: pokedAt.serving };
}

/** A blocked mailbox asks whether Gmail answers, before anything else. */
export function questionOf({ blocked }: MailboxState): { readonly ask?: true } {
  return blocked === null ? {} : { ask: true };
}

/** What the result of work says about the question that it was begun with. */
export function answerTo({ blocked }: MailboxState): { readonly asked?: true } {
  return blocked === null ? {} : { asked: true };
}

/** The number of the audit that somebody waits for. */
export function auditWanted({ audits }: MailboxState): { readonly audit?: number } {
  return audits.requested > audits.served ? { audit: audits.requested } : {};
}
