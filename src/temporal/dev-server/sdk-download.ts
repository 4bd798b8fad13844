// node sdk-download.ts BINARY DIRECTORY: makes the Temporal SDK download a server into a directory, and leaves it
// there.
import { TestWorkflowEnvironment } from '@temporalio/testing';

import { writeLines } from '../../host/terminal.ts';

const [binary, downloadDir] = process.argv.slice(2);
if (downloadDir === undefined) throw new Error('usage: sdk-download BINARY DIRECTORY');
const server = { executable: { type: 'cached-download', downloadDir } } as const;
try {
  const environment = await (binary === 'temporal'
    ? TestWorkflowEnvironment.createLocal({ server })
    : TestWorkflowEnvironment.createTimeSkipping({ server }));
  await environment.teardown();
} catch (error) {
  // Each layer repeats the message of the layer below: the innermost one says what happened.
  writeLines(process.stderr, [
    error instanceof Error ? (error.message.split('): ').at(-1) ?? error.message) : String(error),
  ]);
  process.exitCode = 1;
}
