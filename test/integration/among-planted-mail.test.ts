import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { VERBS } from '../../src/cli/verbs.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { tidemark as runVerb } from '../fixtures/system/cli.ts';
import { plant } from './planted-mail.ts';

const MESSAGES = 12;
/** Gmail refuses one of them. */
const STORED = MESSAGES - 1;

/** How a verb that reads messages is called, and a figure that it prints when it has read all of them. */
interface Reading {
  readonly args: (box: TestMailbox, file: string) => readonly string[];
  readonly figure: (stdout: string) => number;
  /** By default, how many messages are stored. */
  readonly expected?: number;
}

const lines = (stdout: string): readonly string[] => stdout.trimEnd().split('\n');
const matched =
  (pattern: RegExp) =>
  (stdout: string): number =>
    Number(pattern.exec(stdout)?.[1]);

/** The verbs that read messages, in the order in which they are run. */
const READINGS: Readonly<Record<string, readonly Reading[]>> = {
  export: [{ args: ({ id }) => [id], figure: (stdout) => lines(stdout).length }],
  'check-bodies': [{ args: ({ id }) => [id], figure: matched(/ (\d+) messages read; bodies missing 0, damaged 0/) }],
  changes: [
    { args: ({ id }) => [id], figure: (stdout) => lines(stdout).filter((line) => line.includes('stored')).length },
    { args: ({ id }) => [id, '--json'], figure: (stdout) => stdout.split('"kind":"stored"').length - 1 },
  ],
  list: [
    { args: () => [], figure: matched(/@example.com +\S+ +(\d+)/) },
    { args: () => ['--json'], figure: matched(/"stored":(\d+)/) },
  ],
  status: [
    { args: ({ id }) => [id], figure: matched(/stored +(\d+)/) },
    { args: ({ id }) => [id, '--json'], figure: matched(/"stored":(\d+)/) },
  ],
  failures: [
    { args: ({ id }) => [id], figure: matched(/(\d+) failed message/), expected: 1 },
    { args: ({ id }) => [id, '--json'], figure: matched(/"failed":(\d+)/), expected: 1 },
  ],
  audit: [{ args: ({ id }) => [id], figure: matched(/(\d+) messages compared, no differences/) }],
  // It looks at the dates of what is stored, to say what the scope would leave out.
  configure: [
    {
      args: ({ id }) => [id, '--after', '2000-01-01', '--yes', '--json'],
      figure: matched(/"after":(\d+)/),
      expected: Date.UTC(2000, 0),
    },
  ],
  move: [
    {
      // A mailbox that runs is not moved.
      args: (_, file) => ['--from', `sqlite:${file}`, '--to', `sqlite:${file}-moved`],
      figure: matched(/@example.com +(\d+)/),
    },
  ],
};

/** These look at no single message of the store. */
const READ_NONE = new Set(
  (
    'migrate worker login connect connect-domain start sync resync pause resume stop rename remove subscribe ' +
    'subscriptions deliveries replay unsubscribe sweep push test-webhook rotate-key codec-server ' +
    'set-current-version simulate doctor'
  ).split(' '),
);

describe('among messages that no version ought to have stored', () => {
  let rig: Rig;
  let box: TestMailbox;

  beforeAll(async () => {
    rig = await Rig.open('among-planted');
    await rig.startWorker(undefined, hurriedClock);
    box = await rig.mailbox('among-planted', { messages: MESSAGES, threadSize: 1, format: 'full' });
    box.gmail.poison(box.ids()[0] ?? '', 400);
    await box.start();
    await eventually(
      60_000,
      async () => ((await box.report()).counts.failed === 1 ? true : null),
      () => 'the message did not fail',
    );
    await box.client.resync(box.id, { wait: true });
    await plant(rig, box);
  }, 120_000);
  afterAll(() => rig.close());

  const run = (...args: readonly string[]) => runVerb(rig.env, ...args);

  it('every verb is known to read messages, or to read none', () => {
    const known = [...Object.keys(READINGS), ...READ_NONE, 'show'];
    expect(VERBS.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
  });

  it.each(Object.entries(READINGS).flatMap(([verb, readings]) => readings.map((reading) => ({ verb, ...reading }))))(
    '$verb stops at none of them',
    async ({ verb, args, figure, expected = STORED }) => {
      if (verb === 'move') await box.client.stop(box.id);
      const { code, stdout, stderr } = await run(verb, ...args(box, rig.databaseFile));
      expect({ code, figure: figure(stdout) }, stderr).toEqual({ code: 0, figure: expected });
    },
    60_000,
  );

  it('show shows each of them', async () => {
    for (const id of box.ids().slice(1)) {
      const shown = await run('show', box.id, id);
      expect({ id, code: shown.code, stderr: shown.stderr }).toEqual({ id, code: 0, stderr: '' });
    }
  }, 60_000);
});
