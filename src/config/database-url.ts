import type { Config } from './config.ts';

/** The address of the configured database, without a password, for messages. */
export function databaseUrlOf({ database: { location } }: Config): string {
  return location.kind === 'sqlite' ? `sqlite:${location.path}` : location.url;
}
