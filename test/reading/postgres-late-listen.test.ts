import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { followChanges } from '../../src/reading/follow-changes.ts';
import { closeStores, openStores } from '../../src/store/open-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { woken } from './change-feed-contract.ts';

/** A relay in front of a database, where new connections wait for `gate`. */
async function relayTo({ hostname, port }: URL) {
  const relay = { gate: Promise.resolve(), port: 0, held: 0, close: () => undefined };
  const server = createServer((socket) => void forward(socket));
  async function forward(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    relay.held += 1;
    await relay.gate;
    relay.held -= 1;
    const target = connect(Number(port), hostname);
    target.on('error', () => socket.destroy());
    socket.pipe(target).pipe(socket);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  relay.port = (server.address() as AddressInfo).port;
  relay.close = () => void server.close();
  return relay;
}

describePostgres('a follower of the change feed', () => {
  const newDatabase = useDatabases();

  it('sees what was committed between its first look and the moment from which it is notified', async () => {
    const url = new URL(await newDatabase());
    const relay = await relayTo(url);
    const writer = await openStores(databaseAt(url.href));
    const ada = new TestMailbox(writer.store, mailboxId('ada@example.com'));
    await ada.put();
    await ada.save(reading('m0'));
    url.host = `127.0.0.1:${relay.port}`;
    const reader = await openStores(databaseAt(url.href));
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    relay.gate = gate;
    const following = followChanges(reader.database, {}, woken);
    expect((await following.next()).value).toMatchObject({ messageId: 'm0' });
    await expect.poll(() => relay.held).toBe(1);
    const next = following.next();
    await ada.save(reading('m1'));
    open();
    expect((await next).value).toMatchObject({ messageId: 'm1' });
    await following.return();
    await closeStores(reader);
    await closeStores(writer);
    relay.close();
  });
});
