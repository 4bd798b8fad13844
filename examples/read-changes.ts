import { openTidemark } from 'tidemark';

const tidemark = await openTidemark();
const mailbox = 'ada@example.com';
await tidemark.client.start(mailbox, { pollInterval: 300_000 });
await tidemark.client.sync(mailbox, { wait: true });
for await (const change of tidemark.changes({ mailbox, follow: false })) {
  console.log(change.kind, change.messageId, change.cursor);
}
await tidemark.close();
