import { describe, expect, it } from 'vitest';

import { isReachedAs, isSameAddress, twinOf } from '../../src/model/address.ts';
import { mailboxId } from '../../src/model/ids.ts';

describe('the address of an account', () => {
  it.each([
    ['ada@example.com', 'Ada@Example.com'],
    ['ada@gmail.com', 'ada@googlemail.com'],
    ['adalovelace@gmail.com', 'Ada.Lovelace@googlemail.com'],
  ])('%s is the same as %s', (a, b) => expect(isSameAddress(a, b)).toBe(true));

  it.each([
    ['ada@example.com', 'ada@example.org'],
    ['a.da@example.com', 'ada@example.com'],
    ['ada@gmail.com', 'ada@gmail.com.example.org'],
    ['ada@gmail.com', 'ada+news@gmail.com'],
  ])('%s is not the same as %s', (a, b) => expect(isSameAddress(a, b)).toBe(false));

  it("has a twin under Gmail's other domain, and only there", () => {
    expect(twinOf(mailboxId('a.b@gmail.com'))).toBe('a.b@googlemail.com');
    expect(twinOf(mailboxId('a.b@googlemail.com'))).toBe('a.b@gmail.com');
    expect(twinOf(mailboxId('ada@example.com'))).toBeNull();
  });

  it('is reached by notifications that name it or its twin, and by no other spelling', () => {
    const ada = mailboxId('adalovelace@gmail.com');
    expect(
      [ada, mailboxId('adalovelace@googlemail.com'), mailboxId('ada.lovelace@gmail.com')].map((address) =>
        isReachedAs(ada, address),
      ),
    ).toEqual([true, true, false]);
  });
});
