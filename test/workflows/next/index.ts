import { defineQuery, setHandler } from '@temporalio/workflow';

import { mailbox as present } from '../../../src/workflows/mailbox.ts';

/** The next release, which can do more and issues the same commands. */
export async function mailbox(...input: Parameters<typeof present>): ReturnType<typeof present> {
  setHandler(defineQuery<string>('release'), () => 'next');
  return present(...input);
}
