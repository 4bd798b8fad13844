import { expect, test } from 'vitest';

import { UnknownLabelError, unknownLabelText } from '../../src/activities/require-labels.ts';
import { labelId, type LabelId } from '../../src/model/ids.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { Attempts } from '../fixtures/schedules/attempted-calls.ts';
import { Lanes } from '../fixtures/schedules/lanes.ts';
import { mendLabels } from './mend-labels.ts';
import { createWorld, type World } from './world.ts';

const INBOX = labelId('INBOX');

/** Lanes whose mailbox is blocked, because an answer of Gmail called this label of its scope unknown. */
function blockedOver(label: LabelId, world: World): Lanes {
  const { clock, random, mailbox, settings } = world;
  const attempts = Attempts.unharmed({
    clock,
    random,
    newWorker: () => world.newWorker(),
  });
  const scoped = { ...settings, scope: { ...settings.scope, labelIds: [INBOX, label] } };
  const lanes = new Lanes(initialState({ mailbox, settings: scoped, now: clock.now() }), clock, attempts);
  const message = unknownLabelText(mailbox, new UnknownLabelError(label));
  lanes.dispatch({ kind: 'blocked', block: 'failed', cause: 'refusal', message, lane: 'backfill', asked: false });
  expect(lanes.state.blocked).not.toBeNull();
  return lanes;
}

test('a label that Gmail no longer has is taken out of the settings, and the mailbox goes on', async () => {
  const world = await createWorld(1);
  const label = labelId(world.gmail.createLabel('short-lived').id);
  const lanes = blockedOver(label, world);
  world.gmail.deleteLabel(label);
  mendLabels(world, lanes, { configured: () => undefined });
  expect(lanes.state.settings.scope.labelIds).toEqual([INBOX]);
  expect(lanes.state.blocked).toBeNull();
});

test('a label that only an odd answer called unknown is not mended: the mailbox must recover by itself', async () => {
  const world = await createWorld(1);
  const label = labelId(world.gmail.createLabel('kept').id);
  const lanes = blockedOver(label, world);
  world.gmail.deleteLabel(world.gmail.createLabel('another').id);
  mendLabels(world, lanes, { configured: () => expect.unreachable('nothing was mended') });
  expect(lanes.state.settings.scope.labelIds).toEqual([INBOX, label]);
  expect(lanes.state.blocked).not.toBeNull();
});
