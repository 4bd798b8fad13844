import { isDeepStrictEqual } from 'node:util';

import { afterEach, describe, expect, it } from 'vitest';

import type { MailboxSettings } from '../../src/model/settings.ts';
import type { Fault, FaultEffect, FaultMatch } from '../../src/simulator/faults.ts';
import { mailWithAttachments } from '../fixtures/gmail/mail-with-attachments.ts';
import { ADA, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
const METHODS = [
  'getProfile',
  'labels.list',
  'messages.list',
  'history.list',
  'messages.get',
  'threads.get',
  'messages.attachments.get',
  'watch',
  'stop',
  'batch',
  'token',
] as const satisfies readonly FaultMatch['method'][];

type Refusal = Extract<FaultEffect, { kind: 'status' }>;
const REFUSALS: readonly Refusal[] = [
  ...[400, 401, 403, 404, 410, 500].map((status) => ({ kind: 'status', status }) as const),
  { kind: 'status', status: 400, reason: 'invalidArgument', message: 'Invalid value' },
  {
    kind: 'status',
    status: 403,
    reason: 'accessNotConfigured',
    message: 'Gmail API has not been used in project 1 before or it is disabled.',
  },
];

type Struck = ReturnType<RunningMailbox['simulator']['faults']['add']>;

let ada: RunningMailbox;
afterEach(() => ada.close());

/** A mailbox that is synchronised for the first time. */
async function begin(fault: Fault): Promise<Struck> {
  ada = await RunningMailbox.open(
    { format: 'full', attachments: true, pollInterval: MINUTE },
    { pushTopic: 'projects/p/topics/mail' },
  );
  const ids = ada.receive(20, { threadId: 'a1' });
  ada.receive(20);
  ada.gmail.modify(ids.slice(0, 5), { add: ['STARRED'] });
  const struck = ada.simulator.faults.add(fault);
  await ada.settle();
  return struck;
}

function receiveAttachments(): void {
  ada.gmail.insert({
    raw: mailWithAttachments({
      subject: 'two files',
      text: 'see them',
      attachments: [{ name: 'a.txt', content: 'eight bits', encoding: '8bit' }],
    }),
    labelIds: ['INBOX'],
  });
}

/** While push is off, the watch is to end. */
function switchPush(push: MailboxSettings['push']): void {
  ada.lanes.configure({ ...ada.lanes.state.settings, push });
}

/** A day and a half of polls each minute would be most of the test. */
function poll(pollInterval: number): void {
  ada.lanes.configure({ ...ada.lanes.state.settings, pollInterval });
}

/** Push is switched off and on, mail, labels and threads change, and history expires meanwhile. */
async function change(): Promise<void> {
  switchPush(null);
  const [first, second, third] = [...ada.gmail.truth()].map(({ id }) => id);
  ada.receive(8, { threadId: 'a2' });
  ada.receive(2);
  receiveAttachments();
  if (first !== undefined) ada.gmail.delete(first);
  ada.gmail.modify(
    [second, third].filter((id) => id !== undefined),
    { add: ['STARRED'], remove: ['INBOX'] },
  );
  await ada.run(20_000);
  switchPush({ labelIds: [] });
  ada.gmail.expireHistory();
  await ada.run(2 * MINUTE);
}

/**
 * The store beside Gmail once they are equal, or after a day and a half: a message that was refused is asked for again
 * ever more rarely.
 */
async function heldInTheEnd(): ReturnType<RunningMailbox['comparison']> {
  await ada.settle();
  for (let rest = 36; ; rest--) {
    const compared = await ada.comparison();
    if (rest === 0 || isDeepStrictEqual(compared.held, compared.truth)) return compared;
    await ada.run(60 * MINUTE);
  }
}

describe.each(METHODS)('Refusals of %s stop no mailbox, and lose nothing', (method) => {
  it.each(REFUSALS)('%o, once, twice and for ten minutes', async (effect) => {
    const once = await begin({ match: { method }, effect, times: 1 });
    ada.simulator.faults.clear();
    const twice = ada.simulator.faults.add({ match: { method }, effect, times: 2 });
    await change();
    ada.simulator.faults.clear();
    const lasting = ada.simulator.faults.add({ match: { method }, effect, until: ada.clock.now() + 10 * MINUTE });
    await change();
    await ada.run(10 * MINUTE);
    poll(60 * MINUTE);
    const { held, truth } = await heldInTheEnd();
    expect(held).toEqual(truth);
    expect(once.strikes + twice.strikes + lasting.strikes).toBeGreaterThan(0);

    ada.simulator.faults.add({ match: { method }, effect, times: 2 });
    poll(MINUTE);
    switchPush(null);
    const hasEnded = await ada.clock.runUntil(() => ada.simulator.watchedUntil(ADA) === null, 3 * 60 * MINUTE);
    expect(hasEnded, 'the watch has ended').toBe(true);
  });
});
