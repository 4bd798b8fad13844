import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { loadConfig } from '../../src/config/config.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { moveMailboxes } from '../../src/app/move-mailboxes.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { openStores } from '../../src/store/open-store.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { administer } from '../fixtures/postgres/postgres-server.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const alice = mailboxId('alice@example.com');
const ROLE = `mover_${process.pid}`;
const PASSWORD = 'of the mover';

describePostgres('a move from PostgreSQL', () => {
  const folder = useFolder();
  const newDatabase = useDatabases();
  let owner: string | null = null;
  afterEach(async () => {
    if (owner !== null) await administer(owner, `drop role ${ROLE}`);
    owner = null;
  });

  /** Makes a database with one mailbox. @returns its address, for a user who needs a password */
  async function source(): Promise<string> {
    const url = await newDatabase();
    const stores = await openStores(databaseAt(url));
    const mailbox = new TestMailbox(stores.store, alice);
    await mailbox.put();
    await mailbox.sync([reading('m1')]);
    await closeStores(stores);
    await administer(url, `create role ${ROLE} login superuser password '${PASSWORD}'`);
    owner = url;
    const address = new URL(url);
    address.username = ROLE;
    return address.href;
  }

  /** Nothing answers at the address of Temporal. */
  const move = (env: NodeJS.ProcessEnv, from: string, to: string) =>
    moveMailboxes({
      config: loadConfig({ env: { TEMPORAL_ADDRESS: '127.0.0.1:1', ...env }, cwd: folder() }),
      clock: systemClock,
      from,
      to,
      moveBodies: false,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });

  it('connects as the configuration says, whatever DATABASE_URL names', async () => {
    const from = await source();
    const to = `sqlite:${join(folder(), 'to.db')}`;
    await expect(move({}, from, to)).rejects.toThrow('asks for a password');
    writeFileSync(join(folder(), 'password'), `${PASSWORD}\n`);
    const env = { DATABASE_PASSWORD_FILE: 'password' };
    await expect(move({ ...env, DATABASE_CA_FILE: 'no-such-file.pem' }, from, to)).rejects.toThrow('DATABASE_CA_FILE');
    await expect(move({ ...env, DATABASE_AUTO_MIGRATE: 'false' }, from, to)).rejects.toMatchObject({
      remedy: { kind: 'migrate' },
    });
    expect(await move(env, from, to)).toMatchObject({ moved: [{ mailbox: alice, messages: 1 }], temporalAsked: false });
  });
});
