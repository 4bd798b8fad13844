import { afterEach, describe, inject } from 'vitest';
import { HOW_TO_GET_ONE } from './binaries.ts';

const service = inject('postgresService');

/** What a suite's name says where it is skipped; empty where PostgreSQL is. (Under CI the set-up fails instead.) */
const reason = service === null ? ` (skipped: no PostgreSQL here; ${HOW_TO_GET_ONE})` : '';

/** A suite that needs PostgreSQL. */
export function describePostgres(name: string, suite: () => void): void {
  describe.skipIf(service === null)(`${name}${reason}`, () => {
    suite();
  });
}

export interface TestDatabase {
  /** `postgres://…` of its owner. */
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of one's own on the server that all tests share: with Tidemark's tables, or empty. */
export async function createDatabase({ empty = false }: { empty?: boolean } = {}): Promise<TestDatabase> {
  const url = await ask(empty ? 'empty' : 'migrated', 'POST');
  return {
    url,
    drop: async () => {
      await ask(new URL(url).pathname.slice(1), 'DELETE');
    },
  };
}

/** Databases for the tests of a suite, dropped after each. */
export function useDatabases(): (options?: { empty?: boolean }) => Promise<string> {
  const made: TestDatabase[] = [];
  afterEach(async () => {
    for (const database of made.splice(0)) await database.drop();
  });
  return async (options) => {
    const database = await createDatabase(options);
    made.push(database);
    return database.url;
  };
}

async function ask(path: string, method: 'POST' | 'DELETE'): Promise<string> {
  const response = await fetch(`${service}/${path}`, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
