import type { Config } from '../config/config.ts';
import type { MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import { databaseUrlOf } from '../config/database-url.ts';

/** The error of a verb that reads the store, for a mailbox that the store does not have. */
export const notStored = (mailbox: MailboxId, config: Config): CannotDoError =>
  new CannotDoError('mailbox-unknown', `No mail of ${mailbox} is stored in ${databaseUrlOf(config)}.`, {
    mailbox,
    remedy: { kind: 'name-database' },
  });
