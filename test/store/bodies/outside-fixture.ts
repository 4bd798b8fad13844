import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mailboxId, type MailboxId } from '../../../src/model/ids.ts';
import type { BodyOptions } from '../../../src/store/bodies/open-body-store.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { TestMailbox } from '../../contract/mailbox-store/tested-store.ts';

export const alice: MailboxId = mailboxId('alice@example.com');

/** Bodies of more than `over` bytes in a folder. */
export function inFolder(folder: string, over = 0): BodyOptions {
  return { url: `file:${folder}`, over, s3: { endpoint: null, region: null } };
}

/** The objects that lie in a folder of bodies: neither markers nor what is half written. */
export function objectsIn(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /[0-9a-f]{64}-[0-9a-f]{12}$/.test(path))
    .sort();
}

/** A mailbox in a database file, with its bodies in a folder. Several may be open on the same file. */
export async function openOutside(
  path: string,
  bodies: BodyOptions,
): Promise<TestMailbox & { readonly store: SqliteStore }> {
  const store = await openSqliteStore({ path, bodies });
  const mailbox = Object.assign(new TestMailbox(store, alice), { store });
  await mailbox.put();
  return mailbox;
}
