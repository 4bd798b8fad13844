import fc from 'fast-check';
import { expect, test } from 'vitest';

import { historyId, mailboxId, type HistoryId, type MailboxId } from '../../src/model/ids.ts';
import { CoalescedPokes } from '../../src/push/coalesced-pokes.ts';

const ADA = mailboxId('ada@example.com');
const BOB = mailboxId('bob@example.com');

/** Stands in for Temporal: each poke waits until the test settles it. */
class Gate {
  readonly sent: { mailbox: MailboxId; historyId: HistoryId | null; settle: (error?: Error) => void }[] = [];
  most = 0;
  #underWay = 0;

  readonly poke = async (mailbox: MailboxId, id: HistoryId | null): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#underWay += 1;
    this.most = Math.max(this.most, this.#underWay);
    this.sent.push({ mailbox, historyId: id, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    await promise.finally(() => (this.#underWay -= 1));
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const note = (id: number, mailbox = ADA) => ({ mailbox, historyId: historyId(String(id)) });

test('a storm of a thousand notifications costs one poke under way and one after it', async () => {
  const gate = new Gate();
  const pokes = new CoalescedPokes(gate.poke);
  const storm = Array.from({ length: 1_000 }, (_, index) => pokes.notify(note(index + 1)));
  expect(gate.sent).toHaveLength(1);
  gate.sent[0]?.settle();
  await tick();
  expect(gate.sent.map(({ historyId }) => historyId)).toEqual(['1', null]);
  gate.sent[1]?.settle();
  await Promise.all(storm);
  expect(gate.sent).toHaveLength(2);
  expect(pokes.size).toBe(0);
});

test('mailboxes do not wait for each other', async () => {
  const gate = new Gate();
  const pokes = new CoalescedPokes(gate.poke);
  const both = [pokes.notify(note(1)), pokes.notify(note(2, BOB))];
  expect(gate.sent.map(({ mailbox }) => mailbox)).toEqual([ADA, BOB]);
  for (const { settle } of gate.sent) settle();
  await Promise.all(both);
});

test('a poke that fails fails only the notifications that it covers', async () => {
  const gate = new Gate();
  const pokes = new CoalescedPokes(gate.poke);
  const [first, second] = [pokes.notify(note(1)), pokes.notify(note(2))];
  gate.sent[0]?.settle(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await tick();
  gate.sent[1]?.settle();
  await expect(second).resolves.toBeUndefined();
});

test('a notification is answered only by a poke sent after it came, and one poke at most is under way', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant('notify' as const), fc.constant('settle' as const), fc.constant('fail' as const)), {
        maxLength: 40,
      }),
      async (steps) => {
        const gate = new Gate();
        const pokes = new CoalescedPokes(gate.poke);
        const answers: Promise<void>[] = [];
        let settled = 0;
        const wrong: string[] = [];
        const settleNext = async (error?: Error): Promise<void> => {
          gate.sent[settled]?.settle(error);
          settled = Math.min(settled + 1, gate.sent.length);
          await tick();
        };
        for (const step of steps) {
          if (step === 'notify') {
            // A poke that is under way was sent before this notification came: its outcome must not answer it.
            const underWay = gate.sent.length > settled ? gate.sent.length : gate.sent.length + 1;
            const covered = gate.sent.length > settled ? underWay + 1 : underWay;
            answers.push(
              pokes.notify(note(1)).then(
                () => void (settled >= covered || wrong.push(`answered by poke ${settled}, not ${covered}`)),
                () => undefined,
              ),
            );
          } else await settleNext(step === 'fail' ? new Error('away') : undefined);
        }
        while (settled < gate.sent.length) await settleNext();
        await Promise.all(answers);
        expect(wrong).toEqual([]);
        expect(gate.most).toBeLessThanOrEqual(1);
        expect(pokes.size).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
