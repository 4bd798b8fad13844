import { expect, it } from 'vitest';

import { InvalidIdError } from '../../src/model/ids.ts';
import { EVERY_CHANGE, filterOf } from '../../src/model/subscription.ts';

it('a filter takes addresses in any case, and refuses what is not an address', () => {
  expect(filterOf({ mailboxes: ['Ada@Example.com'] })).toEqual({ ...EVERY_CHANGE, mailboxes: ['ada@example.com'] });
  expect(() => filterOf({ mailboxes: ['ada'] })).toThrow(InvalidIdError);
});

it('a condition of a filter that is undefined restricts nothing', () => {
  expect(filterOf({ kinds: undefined, labels: undefined, events: undefined })).toEqual(EVERY_CHANGE);
});
