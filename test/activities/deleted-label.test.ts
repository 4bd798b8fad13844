import { afterEach, expect, it } from 'vitest';

import { labelId } from '../../src/model/ids.ts';
import { expectExact, RunningMailbox } from './running-mailbox.ts';

let ada: RunningMailbox;
afterEach(() => ada.close());

it('A message that gets another label of the scope before one of its own is deleted is never called gone', async () => {
  ada = await RunningMailbox.open({ format: 'raw' });
  const kept = ada.gmail.createLabel('Kept').id;
  const lost = ada.gmail.createLabel('Lost').id;
  const [id = ''] = ada.receive(1);
  ada.gmail.modify([id], { add: [lost] });
  await ada.configure({ scope: { ...ada.lanes.state.settings.scope, labelIds: [labelId(kept), labelId(lost)] } });
  await ada.settle();
  await ada.run(10 * 60_000);
  ada.gmail.modify([id], { add: [kept] });
  ada.gmail.deleteLabel(lost, { silent: true });
  ada.lanes.dispatch({ kind: 'poked' });
  await ada.run(10 * 60_000);
  await expectExact(ada);
  expect(await ada.gone()).toEqual([]);
});
