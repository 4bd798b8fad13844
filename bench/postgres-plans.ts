import { databaseAt } from '../src/model/database-location.ts';
import { mailboxId } from '../src/model/ids.ts';
import { openStores } from '../src/store/open-store.ts';
import { reading, TestMailbox } from '../test/fixtures/store/tested-store.ts';
import { PlanServer } from '../test/fixtures/postgres/plans.ts';
import { administer } from '../test/fixtures/postgres/postgres-server.ts';
import { EVERY_QUERY } from '../test/fixtures/store/every-query.ts';
import type { Bench, Figure } from '../test/fixtures/measured/figure.ts';
import { load } from './bench-processes.ts';

const MESSAGES = 1_000_000;
const SMALL_MAILBOXES = 50;
const FILLED = ['messages', 'bodies', 'changes'];
/** Plans that take longer than this many milliseconds are shown. */
const SLOW = 20;

/**
 * Rows as in a nearly finished backfill: most are stored, a tenth is still to be fetched, and some have failed, are
 * gone, or wait for their labels.
 */
const fill = (key: number, count: number) => `
  insert into tidemark.messages (mailbox_key, id, thread_id, label_ids, state, history_id, reading_history_id,
    internal_date, size_estimate, snippet, format, lane, rank, position, listed_generation, admitted_generation,
    attempts, last_error, next_attempt_at, discovered_at, refresh_at, announced)
  select ${key}, to_hex(1780000000000000000 + g * 7919), to_hex(1780000000000000000 + g / 3 * 7919),
    '["INBOX","UNREAD"]',
    case when g % 10 = 0 then 'pending' when g % 997 = 0 then 'failed' when g % 101 = 0 then 'gone' else 'stored' end,
    lpad(g::text, 20, '0'), lpad(g::text, 20, '0'), 1700000000000 - g * 60000, 4096, repeat('a word ', 14), 'full',
    case when g % 10 = 0 or g % 997 = 0 then 'backfill' end, g, g, 1, 1, 0, null,
    case when g % 997 = 0 then 5000000 + g else 0 end, 1000,
    case when g % 9973 = 0 then 5000 + g end, 1
  from generate_series(1::bigint, ${count}) g;
  insert into tidemark.changes select ${key}, g + 2, 'stored', to_hex(1780000000000000000 + g * 7919), 't', '[]',
    lpad(g::text, 20, '0'), 1000 from generate_series(1::bigint, ${count}) g;
  insert into tidemark.bodies select ${key}, to_hex(1780000000000000000 + g * 7919), 'identity', '{}'
    from generate_series(1::bigint, ${count}) g;
  update tidemark.mailboxes set change_sequence = ${count} + 10 where key = ${key};`;

export const postgresPlans: Bench = {
  name: 'postgres-plans',
  about:
    'the plans of every query of the store at 1,000,000 messages in PostgreSQL, and which of them read a whole table',
  async run() {
    const log = await PlanServer.start();
    try {
      const { url } = log.server;
      const { store } = await openStores(databaseAt(url));
      for (let index = 0; index < SMALL_MAILBOXES; index += 1)
        await new TestMailbox(store, mailboxId(`small-${index}@example.com`)).put();
      const mailbox = new TestMailbox(store, mailboxId('alice@example.com'));
      await mailbox.put();
      await mailbox.sync([reading('a'), reading('b')]);
      const [key] = await administer(url, "select key from tidemark.mailboxes where id = 'alice@example.com'");
      await administer(
        url,
        'set auto_explain.log_min_duration = -1',
        'set session_replication_role = replica',
        ...Array.from({ length: SMALL_MAILBOXES }, (_, index) => fill(index + 1, 1_000)),
        fill(Number(key?.['key']), MESSAGES),
        'vacuum analyze',
      );
      mailbox.now = 10_000_000;
      const figures: Figure[] = [];
      for (const [name, ask] of EVERY_QUERY) {
        log.statements();
        await ask(mailbox);
        const ran = log.statements();
        // A sequential scan of a table of a page or two is fine.
        const scanning = ran.filter((statement) => statement.scanned.some((table) => FILLED.includes(table)));
        for (const { text, plan } of [...scanning, ...ran.filter((statement) => statement.milliseconds > SLOW)])
          console.error(`${name}: ${text.slice(0, 300)}\n${plan}\n`);
        const scanned = [...new Set(scanning.flatMap((statement) => statement.scanned))];
        figures.push({
          name,
          value: ran.reduce((sum, statement) => sum + statement.milliseconds, 0),
          unit: 'ms',
          bound: null,
          note:
            `${ran.length} statements; reads from end to end: ` +
            `${scanned.length === 0 ? 'no large table' : scanned.join(', ')}; ${load()}`,
        });
      }
      await store.close();
      return figures;
    } finally {
      await log.server.stop();
    }
  },
};
