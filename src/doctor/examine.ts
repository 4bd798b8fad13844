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
  yield* examineDatabase(installation);
  yield await examineDisk(installation);
  yield* examineTemporal(installation);
  yield* examineGoogle(installation);
  yield examineQuota(installation);
  yield examinePush(installation);
}
