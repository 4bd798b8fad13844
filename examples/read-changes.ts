import { loadConfig, mailboxId, openTidemark } from 'tidemark';

const tidemark = await openTidemark({ config: loadConfig() });
const mailbox = mailboxId('ada@example.com');
await tidemark.client.start(mailbox, { pollInterval: 300_000 });
await tidemark.client.sync(mailbox, { wait: true });
for (const change of await tidemark.client.readChanges(mailbox, { after: 0 })) {
  console.log(change.sequence, change.kind, change.messageId);
}
await tidemark.close();
