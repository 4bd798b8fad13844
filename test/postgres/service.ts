import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseAt } from '../../src/model/database-location.ts';
import { migrateStores } from '../../src/store/open-store.ts';
import { findPostgres, HOW_TO_GET_ONE } from './binaries.ts';
import { administer, PostgresServer } from './postgres-server.ts';

/**
 * Gives tests databases of their own. The server behind it starts when the first is asked for: most runs of a single
 * file need none.
 */
export interface PostgresService {
  /** Where {@link createDatabase} of database.ts asks; null where there is no PostgreSQL. */
  readonly url: string | null;
  stop(): Promise<void>;
}

/** @throws {Error} under CI, when there is no PostgreSQL */
export async function startPostgresService(log: (line: string) => void): Promise<PostgresService> {
  const given = process.env['TIDEMARK_TEST_POSTGRES'];
  const named = given === undefined || given === '' ? null : given;
  if (named === null && findPostgres() === null) {
    const message = `there is no PostgreSQL on this machine: its tests are skipped; ${HOW_TO_GET_ONE}`;
    if (process.env['CI'] !== undefined && process.env['CI'] !== '') throw new Error(message);
    log(message);
    return { url: null, stop: async () => undefined };
  }
  const databases = new Databases(named);
  const http = createServer((request, response) => {
    answer(databases, request).then(
      (body) => response.end(body),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    stop: async () => {
      http.closeAllConnections();
      http.close();
      await databases.close();
    },
  };
}

async function answer(databases: Databases, { method, url = '/' }: IncomingMessage): Promise<string> {
  const name = url.slice(1);
  if (method === 'DELETE') {
    await databases.giveBack(name);
    return '';
  }
  return databases.create(name === 'migrated');
}

/**
 * Rows of whatever was in it; the tables stay, whichever migrations made them. Few rows: deleting is quicker than
 * truncating.
 */
const EMPTY = `
  do $$
  declare name text;
  begin
    set local session_replication_role = replica;
    for name in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname like 'tidemark%' and tablename not like 'kysely%' loop
      execute 'delete from ' || name;
    end loop;
  end $$`;

class Databases {
  readonly #named: string | null;
  #server: Promise<{ url: string; own: PostgresServer | null }> | null = null;
  #template: Promise<string> | null = null;
  readonly #made = new Set<string>();
  /** By name: whether it has Tidemark's tables. */
  readonly #lent = new Map<string, boolean>();
  /** With Tidemark's tables, and empty again: emptying one is quicker than making one. */
  readonly #idle: string[] = [];
  #count = 0;

  constructor(named: string | null) {
    this.#named = named;
  }

  /** @returns the address of an empty database: without tables, or with Tidemark's */
  async create(migrated: boolean): Promise<string> {
    const idle = migrated ? this.#idle.pop() : undefined;
    const name = idle ?? (await this.#create(migrated ? await (this.#template ??= this.#createTemplate()) : null));
    this.#lent.set(name, migrated);
    return this.#addressOf(name);
  }

  async giveBack(name: string): Promise<void> {
    const migrated = this.#lent.get(name);
    if (migrated === undefined) return;
    this.#lent.delete(name);
    if (migrated) {
      await administer(await this.#addressOf(name), EMPTY);
      this.#idle.push(name);
    } else await this.#drop(name);
  }

  async close(): Promise<void> {
    const server = await this.#server?.catch(() => null);
    if (server === null || server === undefined) return;
    if (server.own === null) for (const name of this.#made) await this.#drop(name);
    await server.own?.stop();
  }

  async #create(template: string | null): Promise<string> {
    const name = `tidemark_test_${process.pid}_${(this.#count += 1)}`;
    await administer(await this.#url(), `create database ${name}${template === null ? '' : ` template ${template}`}`);
    this.#made.add(name);
    return name;
  }

  async #drop(name: string): Promise<void> {
    await administer(await this.#url(), `drop database if exists ${name} with (force)`);
    this.#made.delete(name);
  }

  async #addressOf(name: string): Promise<string> {
    const url = new URL(await this.#url());
    url.pathname = `/${name}`;
    return url.href;
  }

  async #createTemplate(): Promise<string> {
    const name = await this.#create(null);
    await migrateStores(databaseAt(await this.#addressOf(name)));
    return name;
  }

  async #url(): Promise<string> {
    this.#server ??=
      this.#named === null
        ? PostgresServer.start().then((own) => ({ url: own.url, own }))
        : Promise.resolve({ url: this.#named, own: null });
    return (await this.#server).url;
  }
}
