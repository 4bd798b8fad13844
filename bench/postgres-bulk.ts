import { createHash } from 'node:crypto';
import pg from 'pg';
import { databaseAt } from '../src/model/database-location.ts';
import { migrateStores } from '../src/store/open-store.ts';
import { administer, PostgresServer } from '../test/fixtures/postgres/postgres-server.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { cpuSecondsOf, load } from './bench-processes.ts';

/** Rows per write: `saveFetched` writes a batch of 50 messages, and a page of a listing has 500 rows. */
const BATCHES = [50, 500] as const;
const ROWS = 20_000;
/** Incompressible, like compressed mail. */
const BODY = createHash('shake256', { outputLength: 2_400 }).digest();
const INTEGERS = [
  'mailbox_key',
  'internal_date',
  'size_estimate',
  'rank',
  'position',
  'listed_generation',
  'admitted_generation',
  'attempts',
  'next_attempt_at',
  'discovered_at',
  'refresh_at',
  'announced',
];
const COLUMNS =
  `mailbox_key id thread_id label_ids state history_id reading_history_id internal_date size_estimate snippet format
  lane rank position listed_generation admitted_generation attempts last_error next_attempt_at discovered_at refresh_at
  announced`.split(/\s+/);

type Value = string | number | null;
type Row = readonly Value[];
type Write = (client: pg.Client, rows: readonly Row[]) => Promise<void>;

const SNIPPET =
  'a snippet of a usual length, with "quotes", commas and\ta tab, which is about a hundred characters long';

function rowOf(index: number): Row {
  const id = (0x18c0000000000000n + BigInt(index) * 7_919n).toString(16);
  const historyId = String(index).padStart(20, '0');
  return [
    1,
    id,
    id,
    '["INBOX","UNREAD"]',
    'stored',
    historyId,
    historyId,
    1_700_000_000_000 + index,
    4_096,
    SNIPPET,
    'full',
    null,
    index,
    index,
    1,
    1,
    0,
    null,
    0,
    1_700_000_000_000,
    null,
    1,
  ];
}

const insert = `insert into messages (${COLUMNS.join(', ')})`;
const onConflict = `on conflict (mailbox_key, id) do update set ${COLUMNS.slice(2)
  .map((column) => `${column} = excluded.${column}`)
  .join(', ')}`;

const texts = new Map<string, string>();
function kept(key: string, make: () => string): string {
  const text = texts.get(key) ?? make();
  texts.set(key, text);
  return text;
}

/** Multi-row VALUES: a parameter for each value. `prepared` keeps the statement at the server, per number of rows. */
const values =
  (prepared: boolean): Write =>
  async (client, rows) => {
    const text = kept(`values ${rows.length}`, () => {
      let parameter = 0;
      return (
        `${insert} values ${rows.map((row) => `(${row.map(() => `$${(parameter += 1)}`).join(',')})`).join(',')} ` +
        onConflict
      );
    });
    await client.query({ text, values: rows.flat(), ...(prepared ? { name: `values${rows.length}` } : {}) });
  };

/** An array for each column. */
const unnest: Write = async (client, rows) => {
  const types = COLUMNS.map(
    (column, index) => `$${index + 1}::${INTEGERS.includes(column) ? 'bigint' : 'text'}[]`,
  ).join(', ');
  await client.query(
    `${insert} select * from unnest(${types}) ${onConflict}`,
    COLUMNS.map((_, index) => rows.map((row) => row[index])),
  );
};

/** One parameter: the rows as JSON; the types are the table's. */
const json: Write = async (client, rows) => {
  const text = `${insert} select ${COLUMNS.join(', ')} from json_populate_recordset(null::messages, $1) ${onConflict}`;
  await client.query(text, [
    JSON.stringify(rows.map((row) => Object.fromEntries(row.map((value, index) => [COLUMNS[index], value])))),
  ]);
};

/** COPY into a table of the session, then one INSERT … SELECT from it: COPY itself knows no ON CONFLICT. */
const copy: Write = async (client, rows) => {
  const lines = rows.map((row) =>
    row
      .map((value) =>
        value === null
          ? '\\N'
          : String(value).replaceAll(
              /[\\\t\n\r]/g,
              (it) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[it] ?? it,
            ),
      )
      .join('\t'),
  );
  await copyFrom(client, `copy staged (${COLUMNS.join(', ')}) from stdin`, Buffer.from(`${lines.join('\n')}\n`));
  await client.query(`${insert} select ${COLUMNS.join(', ')} from staged ${onConflict}`);
  await client.query('truncate staged');
};

/** The COPY methods of pg's own protocol layer. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

function copyFrom(client: pg.Client, text: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const request = {
      submit: (connection: CopyConnection) => connection.query(text),
      handleCopyInResponse: (connection: CopyConnection) => {
        connection.sendCopyFromChunk(data);
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleError: (error: Error) => {
        failure = error;
        reject(error);
      },
      handleReadyForQuery: () => {
        if (failure === null) resolve();
      },
    };
    client.query(request as unknown as pg.Submittable);
  });
}

const WAYS: readonly (readonly [name: string, write: Write])[] = [
  ['multi-row VALUES', values(false)],
  ['multi-row VALUES, prepared', values(true)],
  ['unnest', unnest],
  ['json_populate_recordset', json],
  ['COPY, then INSERT … SELECT', copy],
];

/**
 * Measures rows per second, and processor time per row at client and server, which hardly depends on the machine's
 * load.
 */
async function timed(name: string, client: pg.Client, work: () => Promise<void>): Promise<Figure> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid;
  const [start, cpu, serverCpu] = [performance.now(), process.cpuUsage(), cpuSecondsOf(pid)];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const perRow = (microseconds: number) => (microseconds / ROWS).toFixed(0);
  const note =
    `CPU of a row: client ${perRow(user + system)} µs, ` +
    `server ${perRow((cpuSecondsOf(pid) - serverCpu) * 1e6)} µs; ${load()}`;
  return { name, value: ROWS / ((performance.now() - start) / 1_000), unit: 'rows/s', bound: null, note };
}

async function writeMessages(client: pg.Client, write: Write, batch: number): Promise<void> {
  await client.query('truncate messages');
  const rows = Array.from({ length: ROWS }, (_, index) => rowOf(index));
  for (let first = 0; first < ROWS; first += batch) {
    await client.query('begin');
    await write(client, rows.slice(first, first + batch));
    await client.query('commit');
  }
  const { rows: counted } = await client.query<{ n: string }>('select count(*) as n from messages');
  if (counted[0]?.n !== String(ROWS)) throw new InvalidRunError(`${counted[0]?.n} rows, not ${ROWS}`);
}

/** Bodies as binary parameters, or as an array, whose bytes travel as hexadecimal text. */
async function writeBodies(
  client: pg.Client,
  way: 'values' | 'unnest',
  storage: 'external' | 'extended',
  target: number,
): Promise<void> {
  await client.query(
    `truncate bodies; alter table bodies alter column body set storage ${storage}; ` +
      `alter table bodies set (toast_tuple_target = ${target})`,
  );
  for (let first = 0; first < ROWS; first += 50) {
    const rows = Array.from({ length: 50 }, (_, index) => [1, rowOf(first + index)[1], 'zstd', BODY]);
    const columns = 'insert into bodies (mailbox_key, message_id, encoding, body)';
    const tuples = rows.map((_, index) => `($${index * 4 + 1},$${index * 4 + 2},$${index * 4 + 3},$${index * 4 + 4})`);
    await client.query('begin');
    if (way === 'values') await client.query(`${columns} values ${tuples.join(',')}`, rows.flat());
    else
      await client.query(
        `${columns} select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])`,
        [0, 1, 2, 3].map((column) => rows.map((row) => row[column])),
      );
    await client.query('commit');
  }
}

/**
 * PostgreSQL compresses or moves out values of a row longer than 2 KB until the row is no longer than the target:
 * https://www.postgresql.org/docs/current/storage-toast.html
 */
const BODY_WAYS = [
  ['values', 'extended', 2_032],
  ['values', 'external', 2_032],
  ['values', 'extended', 8_160],
  ['values', 'external', 8_160],
  ['unnest', 'external', 8_160],
] as const;

export const postgresBulk: Bench = {
  name: 'postgres-bulk',
  about: 'rows a second into PostgreSQL, by multi-row VALUES, unnest, JSON and COPY; bodies by storage',
  async run() {
    const server = await PostgresServer.start({ durable: true });
    const client = new pg.Client({ connectionString: server.url, options: '-c search_path=tidemark' });
    try {
      await migrateStores(databaseAt(server.url));
      await client.connect();
      await administer(
        server.url,
        'insert into tidemark.mailboxes (id, settings, generation, listed_generation, marks, change_sequence, ' +
          "limit_reached, created_at) values ('a', '{}', 0, 0, '[]', 0, 0, 0)",
      );
      await client.query('create temporary table staged (like messages including defaults)');
      const figures: Figure[] = [];
      for (const batch of BATCHES) {
        for (const [name, write] of WAYS) {
          await writeMessages(client, write, batch);
          figures.push(await timed(`${batch} rows by ${name}`, client, () => writeMessages(client, write, batch)));
        }
      }
      for (const [way, storage, target] of BODY_WAYS) {
        await writeBodies(client, way, storage, target);
        figures.push(
          await timed(`50 bodies of ${BODY.length} bytes by ${way}, ${storage}, target ${target}`, client, () =>
            writeBodies(client, way, storage, target),
          ),
        );
      }
      return figures;
    } finally {
      await client.end();
      await server.stop();
    }
  },
};
