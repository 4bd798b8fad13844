import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { columnsOf, fitted, visibleLine } from '../../src/model/visible-text.ts';

const HOSTILE = '\u001B]0;owned\u0007 \u009B31m \u007F \u202Etxt.exe \u2028 \u2066x\u2069 \r';

describe('text from a stranger', () => {
  it('holds no character that a terminal obeys', () => {
    expect(visibleLine(HOSTILE)).toBe(
      String.raw`\u001b]0;owned\u0007 \u009b31m \u007f \u202etxt.exe \u2028 \u2066x\u2069 \u000d`,
    );
  });

  it('is shown as one line, whatever line breaks it has', () => {
    expect(visibleLine('Invoice\r\nada@example.com is in sync\tyes\u0085\u2029')).toBe(
      String.raw`Invoice\u000d\u000aada@example.com is in sync\u0009yes\u0085\u2029`,
    );
  });

  it('shows each mark that turns the direction of text', () => {
    const marks = [
      '\u061C',
      '\u200E',
      '\u200F',
      '\u202A',
      '\u202B',
      '\u202C',
      '\u202D',
      '\u202E',
      '\u2066',
      '\u2067',
      '\u2068',
      '\u2069',
    ];
    expect(visibleLine(marks.join(''))).toBe(
      marks.map((mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    );
  });

  it('keeps every letter', () => {
    expect(visibleLine('Grüße مرحبا 👩‍💻')).toBe('Grüße مرحبا 👩‍💻');
  });

  it('stays as it is when it was made visible before', () => {
    expect(visibleLine(visibleLine(HOSTILE))).toBe(visibleLine(HOSTILE));
  });

  it('keeps its value in a JSON document', () => {
    const value = { subject: `${HOSTILE}\n\t\u200E` };
    expect(JSON.parse(visibleLine(JSON.stringify(value)))).toEqual(value);
  });

  it.each([
    'a\u001B[31m@example.com',
    'a\u009B@example.com',
    'a@\u202Emoc.elpmaxe',
    'a\u200B@example.com',
    'a\u007F@example.com',
  ])('is refused as an address: %j', (text) => {
    expect(() => mailboxId(text)).toThrow('is not an e-mail address');
  });
});

describe('the width of a line', () => {
  it.each([
    ['abc', 3],
    ['Grüße', 5],
    ['Gru\u0308ße', 5],
    ['件名', 4],
    ['한국', 4],
    ['█░', 2],
    ['✅', 2],
    ['', 0],
  ])('%j is %i columns', (line, columns) => {
    expect(columnsOf(line)).toBe(columns);
  });

  it('decides where it is cut, and no character is cut in two', () => {
    expect(fitted('件名: 😀!', 5)).toBe('件名:');
    expect(fitted('件名: 😀!', 7)).toBe('件名: ');
    expect(fitted('件名: 😀!', 8)).toBe('件名: 😀');
    expect(fitted('abc', 10)).toBe('abc');
  });
});
