import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { google, type gmail_v1 } from 'googleapis';

/**
 * What a good developer writes in an afternoon to copy a mailbox and keep it up to date: Google's client and guide, a
 * table, ten calls at once, retries with back-off. It stands beside Tidemark in `bench peers`, and so uses nothing of
 * it. `node afternoon-program.ts CREDENTIALS DATABASE` runs one sync.
 */

const AT_ONCE = 10;
const ATTEMPTS = 8;

const [credentialsFile = '', databaseFile = ''] = process.argv.slice(2);
const gmail = openGmail(process.env['GMAIL_ROOT_URL'] ?? 'https://gmail.googleapis.com');
const database = new DatabaseSync(databaseFile);
database.exec(`
  pragma journal_mode = wal;
  pragma synchronous = normal;
  create table if not exists messages (
    id text primary key, thread_id text, label_ids text not null, internal_date integer, resource text not null
  );
  create table if not exists state (name text primary key, value text not null);
`);
const statements = {
  ids: database.prepare('select id from messages'),
  has: database.prepare('select 1 from messages where id = ?'),
  save: database.prepare('insert or replace into messages values (?, ?, ?, ?, ?)'),
  relabel: database.prepare('update messages set label_ids = ? where id = ?'),
  remove: database.prepare('delete from messages where id = ?'),
  readState: database.prepare('select value from state where name = ?'),
  saveState: database.prepare('insert or replace into state values (?, ?)'),
};

const since = statements.readState.get('historyId')?.['value'];
if (typeof since !== 'string' || !(await applyHistory(since))) await copyAll();
database.close();

function openGmail(rootUrl: string): gmail_v1.Gmail {
  const { client_id, client_secret, refresh_token } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as {
    readonly client_id: string;
    readonly client_secret: string;
    readonly refresh_token: string;
  };
  const auth = new google.auth.OAuth2({
    clientId: client_id,
    clientSecret: client_secret,
    ...(rootUrl.includes('127.0.0.1') ? { endpoints: { oauth2TokenUrl: `${rootUrl}/token` } } : {}),
  });
  auth.setCredentials({ refresh_token });
  return google.gmail({ version: 'v1', auth, rootUrl: `${rootUrl}/`, retry: false });
}

/** Lists everything, fetches what is new, reads the labels of the rest again, and deletes what is not listed. */
async function copyAll(): Promise<void> {
  const profile = await patiently(() => gmail.users.getProfile({ userId: 'me' }));
  const listed = new Set<string>();
  let pageToken: string | undefined;
  do {
    const token = pageToken;
    const { data } = await patiently(() =>
      gmail.users.messages.list({ userId: 'me', maxResults: 500, includeSpamTrash: true, pageToken: token }),
    );
    for (const { id } of data.messages ?? []) if (typeof id === 'string') listed.add(id);
    pageToken = data.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  for (const { id } of statements.ids.all()) if (!listed.has(String(id))) statements.remove.run(String(id));
  await tenAtOnce(listed, refresh);
  statements.saveState.run('historyId', String(profile.data.historyId));
}

/** @returns false when Gmail no longer has the history since then */
async function applyHistory(startHistoryId: string): Promise<boolean> {
  const changed = new Set<string>();
  const deleted = new Set<string>();
  let head = startHistoryId;
  let pageToken: string | undefined;
  do {
    const token = pageToken;
    const page = await patiently(() =>
      gmail.users.history.list({ userId: 'me', startHistoryId, maxResults: 500, pageToken: token }),
    ).catch((error: unknown) => {
      if (statusOf(error) === 404) return null;
      throw error;
    });
    if (page === null) return false;
    for (const record of page.data.history ?? []) note(record, changed, deleted);
    head = page.data.historyId ?? head;
    pageToken = page.data.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  for (const id of deleted) statements.remove.run(id);
  await tenAtOnce(changed, refresh);
  statements.saveState.run('historyId', head);
  return true;
}

function note(record: gmail_v1.Schema$History, changed: Set<string>, deleted: Set<string>): void {
  for (const { message } of [
    ...(record.messagesAdded ?? []),
    ...(record.labelsAdded ?? []),
    ...(record.labelsRemoved ?? []),
  ]) {
    changed.add(message?.id ?? '');
    deleted.delete(message?.id ?? '');
  }
  for (const { message } of record.messagesDeleted ?? []) {
    deleted.add(message?.id ?? '');
    changed.delete(message?.id ?? '');
  }
}

/** Fetches a message, or only its labels when it is held already: the rest of a message never changes. */
async function refresh(id: string): Promise<void> {
  const isHeld = statements.has.get(id) !== undefined;
  try {
    const format = isHeld ? 'minimal' : 'full';
    const { data } = await patiently(() => gmail.users.messages.get({ userId: 'me', id, format }));
    const labelIds = JSON.stringify(data.labelIds ?? []);
    if (isHeld) statements.relabel.run(labelIds, id);
    else statements.save.run(id, data.threadId ?? null, labelIds, Number(data.internalDate), JSON.stringify(data));
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    statements.remove.run(id);
  }
}

async function tenAtOnce(ids: Iterable<string>, work: (id: string) => Promise<void>): Promise<void> {
  const left = ids[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** Tries again after a rate limit, a fault of the server or of the network, later and later. */
async function patiently<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !mayPass(error)) throw error;
      await sleep(Math.min(32_000, 1_000 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2));
    }
  }
}

function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  if (status === null) return error instanceof Error && 'code' in error;
  if (status === 403) return error instanceof Error && /rate|quota/i.test(error.message);
  return status === 429 || status >= 500;
}

/** The HTTP status of a failed call; null when there was no answer. */
function statusOf(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null;
}
