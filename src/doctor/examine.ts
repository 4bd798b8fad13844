import type { Config } from '../config/config.ts';
import { configFor } from '../config/running-start.ts';
import type { MailboxId } from '../model/ids.ts';
import { examineDatabase } from './examine-database.ts';
import { examineDisk } from './examine-disk.ts';
import { examineGoogle } from './examine-google.ts';
import { examinePush, examineQuota } from './examine-settings.ts';
import { examineTemporal } from './examine-temporal.ts';
import type { Finding } from './finding.ts';
import type { Installation } from './installation.ts';

/**
 * Examines the parts of an installation one after the other, and changes nothing. A part that does not work does not
 * end the examination.
 */
export async function* examine(installation: Installation): AsyncGenerator<Finding> {
  const mailboxes = yield* examineDatabase(installation);
  yield await examineDisk(installation);
  yield* examineTemporal(installation);
  yield* examineGoogle({ ...installation, config: configInUse(installation.config, mailboxes) });
  yield examineQuota(installation);
  yield examinePush(installation);
}

/** The addresses that are in use: those of `npm start`'s simulator, where no other mailbox is stored. */
function configInUse(config: Config, [first, ...others]: readonly MailboxId[]): Config {
  return first === undefined || others.length > 0 ? config : configFor(config, first);
}
