import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { resolveLabels } from '../../src/accounts/label-names.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { serveGmail, type ServedGmail } from '../fixtures/gmail/served-gmail.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

const ADA = mailboxId('ada@example.com');

describe('labels that a person names', () => {
  const folder = useFolder();
  let simulator: ServedGmail['simulator'];
  let config: ServedGmail['config'];
  let stores: ServedGmail['stores'];
  let close: ServedGmail['close'];
  beforeEach(async () => {
    ({ simulator, config, stores, close } = await serveGmail(folder(), [ADA]));
    await connectMailbox({
      config,
      stores,
      mailbox: ADA,
      clock: systemClock,
      text: JSON.stringify(simulator.grant(ADA)),
      verify: false,
    });
  });
  afterEach(() => close());

  const idsOf = (...names: readonly string[]) =>
    resolveLabels({ config, stores, mailbox: ADA, clock: systemClock, names });
  const create = (name: string): string => simulator.mailbox(ADA).createLabel(name).id;
  const refusalOf = async (name: string): Promise<unknown> =>
    idsOf(name).then(
      () => 'known',
      ({ message }: Error) => message,
    );

  it('are found by name in any case and by id, and those of the system without a call', async () => {
    const [receipts, travel] = [create('Receipts'), create('travel')];
    expect(await idsOf('Receipts', 'receipts', 'TRAVEL', travel, 'inbox', 'Category_Forums')).toEqual([
      receipts,
      receipts,
      travel,
      travel,
      'INBOX',
      'CATEGORY_FORUMS',
    ]);
    const calls = simulator.usage.of(ADA).calls;
    expect(await idsOf('unread')).toEqual(['UNREAD']);
    expect(simulator.usage.of(ADA).calls).toBe(calls);
  });

  it("are refused when they do not exist, with the real names of the mailbox's own labels", async () => {
    for (const name of ['travel', 'Receipts', 'work/2026']) create(name);
    expect(await refusalOf('Recipts')).toBe(
      `${ADA} has no label "Recipts". Its own labels: "Receipts", "travel", "work/2026".`,
    );
  });

  it('are refused with the real names also where all of those are in lower case', async () => {
    for (const name of ['travel', 'work/2026']) create(name);
    expect(await refusalOf('recipts')).toBe(`${ADA} has no label "recipts". Its own labels: "travel", "work/2026".`);
  });

  it('are refused without a list where the mailbox has no labels of its own', async () => {
    expect(await refusalOf('Receipts')).toBe(`${ADA} has no label "Receipts". It has no labels of its own.`);
  });

  it('are refused with at most twenty real names, and the number of the others', async () => {
    for (let n = 10; n < 33; n++) create(`label ${n}`);
    expect(await refusalOf('x')).toMatch(/Its own labels: "label 10", .*"label 29" and 3 more\.$/);
  });
});
