import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { visibleText } from '../../src/model/visible-text.ts';

const HOSTILE = '\u001B]0;owned\u0007 \u009B31m \u007F \u202Etxt.exe \u2028 \u2066x\u2069 \r';

describe('text from a stranger', () => {
  it('holds no character that a terminal obeys', () => {
    expect(visibleText(HOSTILE)).toBe(String.raw`\u001b]0;owned\u0007 \u009b31m \u007f \u202etxt.exe \u2028 \u2066x\u2069 \u000d`);
  });

  it('keeps line breaks, tabs and every letter', () => {
    expect(visibleText('Grüße\tمرحبا 👩‍💻\n')).toBe('Grüße\tمرحبا 👩‍💻\n');
  });

  it('is the same value in a JSON document', () => {
    const value = { subject: HOSTILE };
    expect(JSON.parse(visibleText(JSON.stringify(value)))).toEqual(value);
  });

  it.each(['a\u001B[31m@example.com', 'a\u009B@example.com', 'a@\u202Emoc.elpmaxe', 'a\u200B@example.com', 'a\u007F@example.com'])('is no address: %j', (text) => {
    expect(() => mailboxId(text)).toThrow('is not an e-mail address');
  });
});
