import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { holdsParts } from '../../test/fixtures/schedules/compare-parts.ts';
import { startProgram } from '../bench-processes.ts';
import type { HeldMessage, MailCopy, Peer, Place, RunningSync } from './peer.ts';
import { runningProgram } from './running-program.ts';

/** What a developer writes in an afternoon with Google's own client: afternoon-program.ts. */
export const afternoon: Peer = {
  name: 'an afternoon with googleapis',
  about: 'messages.get of format full, ten at once, SQLite',
  keepsMessage: () => true,
  keepsLabel: () => true,
  isBodyOf: (body, raw) => holdsParts(body, raw, false),
  open: async (place) => {
    writeFileSync(join(place.folder, 'credentials.json'), await place.gmail.credentials());
    return new AfternoonCopy(place);
  },
};

class AfternoonCopy implements MailCopy {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  async sync(): Promise<RunningSync> {
    const { folder, gmail } = this.#place;
    const program = startProgram('bench/peers/afternoon-program.ts', {
      args: [join(folder, 'credentials.json'), join(folder, 'mail.sqlite')],
      env: { GMAIL_ROOT_URL: gmail.url },
      log: openSync(join(folder, 'afternoon.log'), 'a'),
    });
    return runningProgram(program);
  }

  async *held(): AsyncIterable<HeldMessage> {
    const database = new DatabaseSync(join(this.#place.folder, 'mail.sqlite'), { readOnly: true });
    try {
      for (const row of database.prepare('select id, label_ids, resource from messages').iterate())
        yield {
          id: String(row['id']),
          labelIds: JSON.parse(String(row['label_ids'])) as readonly string[],
          body: Buffer.from(String(row['resource'])),
        };
    } finally {
      database.close();
    }
  }
}
