import { sleep } from '@temporalio/workflow';

import type { MailboxInput } from '../../../src/workflows/definitions.ts';
import { mailbox as released } from '../../../src/workflows/mailbox.ts';

/** The mailbox workflow after a careless change: it does something new before what it always did. */
export async function mailbox(input: MailboxInput): Promise<unknown> {
  await sleep('1 second');
  return released(input);
}
