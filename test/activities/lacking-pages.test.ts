import { afterEach, expect, it } from 'vitest';

import type { FaultEffect } from '../../src/simulator/faults.ts';
import { expectExact, RunningMailbox } from './running-mailbox.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SCOPES = [{ after: Date.UTC(2025, 0, 1) }, { limit: 100 }];
const LACKING = [
  { kind: 'empty-page' },
  { kind: 'cut-page' },
  { kind: 'empty-object' },
] as const satisfies FaultEffect[];

let ada: RunningMailbox;
afterEach(() => ada.close());

// Gmail has no count of such a scope, so the random schedules do not draw these answers there.
it.each(SCOPES.flatMap((scope) => LACKING.map((effect) => ({ scope, effect }))))(
  'a recovery whose pages lack messages for ten minutes removes none of those that are stored: $scope, $effect.kind',
  async ({ scope, effect }) => {
    ada = await RunningMailbox.open({ format: 'raw', pollInterval: MINUTE, scope });
    ada.gmail.paging.listPage = 10;
    const ids = ada.receive(40);
    await ada.settle();
    const fault = ada.simulator.faults.add({
      match: { method: 'messages.list' },
      effect,
      until: ada.clock.now() + 10 * MINUTE,
    });
    ada.expire();
    await ada.run(10 * MINUTE);
    expect(fault.strikes).toBeGreaterThan(0);
    expect(await ada.gone()).toEqual([]);
    const { held } = await ada.comparison();
    expect(ids.filter((id) => !held.has(id))).toEqual([]);
    await ada.run(2 * HOUR);
    await expectExact(ada);
  },
);
