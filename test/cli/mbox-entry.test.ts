import { describe, expect, it } from 'vitest';

import { mboxEntry } from '../../src/cli/mbox-entry.ts';

/** Reads the messages back as an mboxrd reader does. */
function read(mbox: string): string[] {
  return mbox
    .split(/^From .*\n/m)
    .slice(1)
    .map((entry) => entry.replace(/\n$/, '').replace(/^>(>*From )/gm, '$1'));
}

describe('an mbox entry', () => {
  it("begins with the message's date in UTC", () => {
    expect(mboxEntry(Buffer.from('Subject: a\n\nb\n'), Date.UTC(2026, 10, 2, 6, 3, 0)).toString()).toBe(
      'From tidemark@localhost Mon Nov  2 06:03:00 2026\nSubject: a\n\nb\n\n',
    );
  });

  it('is read back as it was, whatever its lines begin with', () => {
    const bodies = ['Subject: a\n\nFrom me\n>From you\n>>From them\nNot From\n', 'Subject: b\n\nno end of line\n'];
    const mbox = bodies.map((body) => mboxEntry(Buffer.from(body), 0).toString('latin1')).join('');
    expect(read(mbox)).toEqual(bodies);
  });

  it('keeps bytes that are not text', () => {
    const raw = Buffer.from([0x53, 0x3a, 0x20, 0xff, 0xfe, 0x80, 0x0a, 0x0a, 0xe4, 0x0a]);
    expect(mboxEntry(raw, null).includes(raw)).toBe(true);
  });

  it('ends with a line break even if the message does not, so that the next one is found', () => {
    expect(mboxEntry(Buffer.from('S: a\n\nb'), 0).toString().endsWith('\n\nb\n\n')).toBe(true);
  });
});
