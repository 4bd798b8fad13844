import type { ExpressionBuilder, Selectable } from 'kysely';
import type { MailboxTable } from '../engines/mailbox-tables.ts';
import type { Schema } from '../engines/schema.ts';
import { ARRIVED } from '../rules/message-row.ts';
import { parseSettings } from './mailbox-rows.ts';

/**
 * Whether a message takes a place within the scope's limit: a listing let it in, or it had arrived before the last
 * listing, which showed it among the newest.
 */
export function takesPlace(eb: ExpressionBuilder<Schema, 'messages'>, columns: Selectable<MailboxTable>) {
  return eb.or([
    eb('admitted_generation', '>', ARRIVED),
    eb.and([
      eb('admitted_generation', '=', ARRIVED),
      eb('listed_generation', '=', columns.listed_generation),
      eb('position', '<', parseSettings(columns).scope.limit ?? 0),
    ]),
  ]);
}
