import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { JournalError, OTHER_MAILBOX } from '../../src/simulator/journal-error.ts';
import { MailFileError } from '../../src/simulator/mail-file-error.ts';
import { openLastingSimulator } from '../../src/simulator/open.ts';
import type { Clock } from '../../src/model/clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-journal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A clock that moves on by sleeping, and by a millisecond each time it is read. */
function clockFrom(start: number): Clock {
  let now = start;
  return {
    now: () => now++,
    random: () => 0.5,
    sleep: (milliseconds) => {
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

const EMAIL = 'ada@example.com';
const journal = (): string => join(folder, 'ada.jsonl');

interface Mailbox {
  readonly truth: unknown;
  readonly head: unknown;
  readonly credentials: unknown;
}

/** Opens the simulator, makes so many live changes, and returns what it holds then. */
async function live({
  from,
  changes,
  messages = 40,
  mbox = null,
  onChange = () => undefined,
  truth = true,
}: {
  from: number;
  changes: number;
  messages?: number;
  mbox?: string | null;
  onChange?: (sentence: string) => void;
  truth?: boolean;
}): Promise<Mailbox> {
  const simulator = await openLastingSimulator({
    journal: journal(),
    begin: { email: EMAIL, messages, mbox },
    port: 0,
    clock: clockFrom(from),
    everyMs: 4_000,
  });
  try {
    if (changes > 0) {
      const enough = new AbortController();
      let made = 0;
      await simulator.liveTraffic({
        signal: enough.signal,
        onChange: (sentence) => {
          onChange(sentence);
          if (++made === changes) enough.abort();
        },
      });
    }
    const get = async (path: string): Promise<unknown> => (await fetch(`${simulator.url}/simulator/${path}`)).json();
    return {
      truth: truth ? await get(`truth?email=${EMAIL}&includeSpamTrash=true`) : null,
      head: await get('mailboxes'),
      credentials: simulator.mailboxes[0]?.credentials,
    };
  } finally {
    await simulator.close();
  }
}

const T0 = Date.UTC(2026, 10, 22, 16);

describe('a simulated mailbox with a journal', () => {
  it('is the same after a restart, ids, bytes, history and credentials', async () => {
    const before = await live({ from: T0, changes: 60 });
    expect(await live({ from: T0 + 86_400_000, changes: 0 })).toEqual(before);
  });

  it('goes on after a restart, and is the same after the next one', async () => {
    await live({ from: T0, changes: 20 });
    const once = await live({ from: T0 + 3_600_000, changes: 20 });
    expect(await live({ from: T0 + 7_200_000, changes: 0 })).toEqual(once);
  });

  it('does not make a change whose line a crash cut off', async () => {
    const before = await live({ from: T0, changes: 5 });
    appendFileSync(journal(), '{"at":17');
    expect(await live({ from: T0 + 3_600_000, changes: 0 })).toEqual(before);
    appendFileSync(journal(), '{"at":17');
    const later = await live({ from: T0 + 3_600_000, changes: 3 });
    expect(await live({ from: T0 + 7_200_000, changes: 0 })).toEqual(later);
  });

  it('makes the change whose line was written, because a client may have seen it', async () => {
    await live({ from: T0, changes: 5 });
    const lines = readFileSync(journal(), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    writeFileSync(journal(), `${lines.slice(0, 5).join('\n')}\n`);
    const four = await live({ from: T0 + 3_600_000, changes: 0 });
    writeFileSync(journal(), `${lines.join('\n')}\n`);
    expect(await live({ from: T0 + 3_600_000, changes: 0 })).not.toEqual(four);
  });

  it('keeps the mail that it began with, whatever is asked for later', async () => {
    const before = await live({ from: T0, changes: 0, messages: 10 });
    expect(await live({ from: T0, changes: 0, messages: 99 })).toEqual(before);
  });

  it.each(['shopping list\n', '', '{"version":2,"createdAt":1,"email":"ada@example.com","messages":1,"mbox":null}\n'])(
    'says so when the file is no journal of this version: %j',
    async (content) => {
      writeFileSync(journal(), content);
      await expect(live({ from: T0, changes: 0 })).rejects.toThrow(
        new JournalError(
          `${journal()} is not a journal that this version of the simulator can read. Restore it, or ${OTHER_MAILBOX}`,
        ),
      );
    },
  );

  it('says where missing imported mail was, and begins no journal for a file that was never there', async () => {
    const mbox = join(folder, 'takeout.mbox');
    await expect(live({ from: T0, changes: 0, mbox })).rejects.toThrow(MailFileError);
    expect(existsSync(journal())).toBe(false);
    writeFileSync(mbox, 'From a Thu Jan 01 00:00:00 2026\nSubject: x\n\nhello\n');
    await live({ from: T0, changes: 3, mbox });
    rmSync(mbox);
    await expect(live({ from: T0, changes: 0, mbox })).rejects.toThrow(
      new JournalError(
        `The mail of ${EMAIL} was imported from ${mbox}, which cannot be read as it was. ` +
          `Put it back, or ${OTHER_MAILBOX}`,
      ),
    );
    expect(existsSync(journal())).toBe(true);
  });

  it('goes on changing imported mail whose file was moved meanwhile, and says that it cannot be read', async () => {
    const mbox = join(folder, 'takeout.mbox');
    writeFileSync(mbox, 'From a Thu Jan 01 00:00:00 2026\nSubject: x\n\nhello\n');
    const said: string[] = [];
    await live({
      from: T0,
      changes: 60,
      mbox,
      onChange: (sentence) => {
        rmSync(mbox, { force: true });
        said.push(sentence);
      },
      truth: false,
    });
    expect(said.filter((sentence) => sentence.startsWith('A message whose file cannot be read any more '))).not.toEqual(
      [],
    );
  });
});
