import { InvalidRunError, requireExact, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { VirtualGmail, type VirtualMailbox } from '../test/fixtures/measured/virtual-gmail.ts';
import type { Fault } from '../src/simulator/faults.ts';

const EMAIL = 'ada@example.com';
const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
const DAY = 48 * HALF_HOUR;

const API_OFF: Fault = {
  effect: { kind: 'status', status: 403, reason: 'accessNotConfigured', message: 'Gmail API has not been used' },
};
const SUSPENDED: Fault = {
  effect: { kind: 'status', status: 400, reason: 'failedPrecondition', message: 'Mail service not enabled' },
};

/** A quiet mailbox in sync, which is polled every minute. */
async function withMailbox<Result>(
  run: (world: VirtualGmail, mailbox: VirtualMailbox) => Promise<Result>,
): Promise<Result> {
  const world = await VirtualGmail.open();
  const mailbox = await world.addMailbox(
    EMAIL,
    { messages: 30, threadSize: 3, bodyBytes: 600 },
    { format: 'minimal', pollInterval: MINUTE },
  );
  mailbox.start();
  const result = await world.clock.run(async () => {
    await mailbox.until(() => mailbox.inSync);
    await world.clock.sleep(10 * MINUTE);
    return await run(world, mailbox);
  });
  await world.close();
  return result;
}

/** Requests of the first day, counted from the moment at which `block` bars the mailbox. */
function firstDay(block: (world: VirtualGmail) => void): Promise<{ gmail: number; tokens: number }> {
  return withMailbox(async (world, mailbox) => {
    const before = { ...world.requests };
    block(world);
    await world.clock.sleep(DAY);
    if (mailbox.inSync) throw new InvalidRunError('the mailbox is not blocked');
    return { gmail: world.requests.gmail - before.gmail, tokens: world.requests.tokens - before.tokens };
  });
}

/** Milliseconds from the end of a refusal that lasted `blockedFor` ms until the mailbox is in sync again. */
function backAfter(blockedFor: number, isResumed: boolean): Promise<number> {
  return withMailbox(async (world, mailbox) => {
    const fault = world.simulator.faults.add(API_OFF);
    await world.clock.sleep(blockedFor);
    if (mailbox.inSync) throw new InvalidRunError('the mailbox is not blocked');
    fault.remove();
    const endedAt = world.clock.now();
    if (isResumed) mailbox.resume();
    const backAt = await mailbox.until(() => mailbox.inSync && mailbox.syncedAt > endedAt, 1_000);
    requireExact(await mailbox.differences(), 'a mailbox that was blocked');
    return backAt - endedAt;
  });
}

async function backByItself(): Promise<Figure> {
  const waits: number[] = [];
  for (let blockedFor = HALF_HOUR; blockedFor < DAY; blockedFor += HALF_HOUR)
    waits.push((await backAfter(blockedFor, false)) / MINUTE);
  const late = waits.filter((wait) => wait > 60).length;
  return {
    name: '  back by itself: longest wait',
    value: Math.max(...waits),
    unit: 'min',
    bound: { is: 'at most', value: 60 },
    note: `${waits.length} refusals of up to a day; after ${late} of them it took over an hour`,
  };
}

const dayOf = (name: string, calls: number, most: number, note: string): Figure => ({
  name,
  value: calls,
  unit: 'calls',
  bound: { is: 'at most', value: most },
  note,
});

export const blocked: Bench = {
  name: 'blocked',
  about: 'what a blocked mailbox costs on its first day, and how soon it is back',
  async run() {
    const revoked = await firstDay(({ simulator }) => simulator.revoke(EMAIL));
    const off = await firstDay(({ simulator }) => simulator.faults.add(API_OFF));
    const suspended = await firstDay(({ simulator }) => simulator.faults.add(SUSPENDED));
    return [
      dayOf('first day of a revoked grant', revoked.gmail + revoked.tokens, 3, 'tokens included'),
      dayOf('first day with the API off', off.gmail, 24, `and ${off.tokens} to the token endpoint`),
      dayOf('first day of a suspended account', suspended.gmail, 24, `and ${suspended.tokens} to the token endpoint`),
      {
        name: '  back after `resume`',
        value: (await backAfter(DAY / 2, true)) / 1_000,
        unit: 's',
        bound: { is: 'at most', value: 60 },
      },
      await backByItself(),
    ];
  },
};
