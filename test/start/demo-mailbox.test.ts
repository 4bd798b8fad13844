import { writeFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { chooseDemoMailbox } from '../../src/start/demo-mailbox.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const folder = useFolder();

it('npm start chooses the mailbox of the last run, unless that run never began', () => {
  const begun = chooseDemoMailbox(folder(), { messages: 200 });
  writeFileSync(begun.journal, 'a journal');
  expect(chooseDemoMailbox(folder(), {})).toMatchObject({ email: 'ada+200@example.com', known: true });

  expect(chooseDemoMailbox(folder(), { mbox: 'mistyped.mbox' }).email).toMatch(/^mistyped-\w{4}@example\.com$/);
  expect(chooseDemoMailbox(folder(), {})).toMatchObject({ email: 'ada@example.com', known: false });
});
