import { createHash } from 'node:crypto';
import type { StoreIdentity } from '../../model/store-identity.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

/** See `MailboxRegistry.identity`. Read each time, because the file may have been replaced. */
export async function storeIdentity(database: StoreDatabase): Promise<StoreIdentity> {
  const { id, former_ids: former } = await database.read((db) =>
    db.selectFrom('feed').select(['id', 'former_ids']).where('key', '=', 1).executeTakeFirstOrThrow(),
  );
  const place = createHash('sha256').update(database.name).digest('hex').slice(0, 16);
  return { id, former: parse(former), place };
}

/** Has the database `to` also stand for the database `from`, whose mailboxes it took over. */
export async function takeIdentity(from: StoreDatabase, to: StoreDatabase): Promise<void> {
  const [source, target] = [await storeIdentity(from), await storeIdentity(to)];
  const former = [...new Set([...target.former, ...source.former, source.id])].filter((id) => id !== target.id);
  await to.write((tx) =>
    tx
      .updateTable('feed')
      .set({ former_ids: JSON.stringify(former) })
      .where('key', '=', 1)
      .execute(),
  );
}

function parse(text: string): readonly string[] {
  const ids: unknown = JSON.parse(text);
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}
