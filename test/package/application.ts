// A product's program, as test/package/package.test.ts copies it into an empty project: a simulated Gmail, a worker,
// the client, and a reader over the same database. Its arguments: a mailbox, the database's URL.
import { loadConfig, openTidemark } from 'tidemark';
import { openReader } from 'tidemark/reader';
import { openSimulator, systemClock as clock } from 'tidemark/simulator';
import { createLog, createWorker } from 'tidemark/worker';

const [, , mailbox = '', database = ''] = process.argv;
const gmail = await openSimulator({ clock, port: 0, emails: [mailbox], messages: 30, mbox: null });
const config = loadConfig({
  env: {
    ...process.env,
    DATABASE_URL: database,
    GMAIL_ROOT_URL: gmail.url,
    GOOGLE_TOKEN_URL: `${gmail.url}/token`,
    TIDEMARK_TASK_QUEUE: `package-${mailbox.replace('@', '.')}`,
  },
});
const began = performance.now();
const worker = await createWorker({ config, log: createLog('error') });
console.log(`worker runs after ${Math.round(performance.now() - began)} ms`);

const tidemark = await openTidemark({ config });
await tidemark.accounts.connect(mailbox, { credentials: JSON.stringify(gmail.mailboxes[0]?.credentials) });
await tidemark.client.start(mailbox);
await tidemark.client.resync(mailbox, { wait: true });
const { phase } = await tidemark.client.status(mailbox);
console.log(`phase ${phase}`);
const { changes } = await tidemark.client.readChanges(mailbox, { after: 0 });
console.log(`changes ${changes.length}`);
await tidemark.client.stop(mailbox);
await tidemark.close();
await worker.stop();
await gmail.close();

const reader = await openReader({ database });
let subjects = 0;
for await (const message of reader.mailbox(mailbox).messages()) if (typeof message.subject === 'string') subjects += 1;
console.log(`subjects ${subjects}`);
await reader.close();
