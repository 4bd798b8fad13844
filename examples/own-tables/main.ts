// Counts mail by sender in a product's own tables, each message exactly once. The handler writes in the transaction
// that moves its position: after a crash, its writes are either there, or the changes come again.
import { openTidemark } from 'tidemark';
import { createWorker, type Handler } from 'tidemark/worker';
import { Client } from 'pg';

const mailbox = process.env['MAILBOX'] ?? 'ada@example.com';

const database = new Client({ connectionString: process.env['DATABASE_URL'] });
await database.connect();
await database.query(`
  create schema if not exists crm;
  create table if not exists crm.seen (mailbox text, message text, primary key (mailbox, message));
  create table if not exists crm.senders (address text primary key, messages integer not null);
`);

const senders: Handler = {
  transaction: true,
  filter: { kinds: ['stored'] },
  beginning: { kind: 'first' },
  async handle(changes, { message, query }) {
    for (const { messageId, mailbox } of changes) {
      const mail = await message(messageId);
      if (mail?.from == null) continue;
      // The same message can be `stored` twice: when a missing part arrives, or when the message comes back.
      const isNew = await query('insert into crm.seen values ($1, $2) on conflict do nothing returning 1', [
        mailbox,
        messageId,
      ]);
      if (isNew.length === 0) continue;
      await query(
        `insert into crm.senders values ($1, 1)
         on conflict (address) do update set messages = crm.senders.messages + 1`,
        [mail.from.address],
      );
    }
    console.log(`counted ${changes.length} messages`);
  },
};

const worker = await createWorker({ handlers: { senders } });
const tidemark = await openTidemark();
await tidemark.client.start(mailbox, { pollInterval: 2_000 });
console.log('counting; Ctrl-C stops');

async function stop(): Promise<void> {
  await worker.stop();
  await tidemark.close();
  const { rows } = await database.query('select address, messages from crm.senders order by messages desc, address');
  let total = 0;
  for (const { address, messages } of rows) {
    total += messages;
    // An array shows control characters of a stranger's address as escapes.
    console.log(String(messages).padStart(5), [address]);
  }
  console.log(`${total} messages of ${rows.length} senders`);
  await database.end();
}
process.once('SIGINT', () => void stop()).once('SIGTERM', () => void stop());
