import { expect, it } from 'vitest';

import { labelId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS, isSameScope, isSameSettings, type MailboxSettings } from '../../src/model/settings.ts';

const WORK = labelId('Label_1');
const HOME = labelId('Label_2');
const SETTINGS: MailboxSettings = {
  ...DEFAULT_SETTINGS,
  scope: { ...DEFAULT_SETTINGS.scope, labelIds: [WORK, HOME] },
  push: { labelIds: [WORK] },
};

it('settings are the same whatever the order of their fields', () => {
  const { scope, ...others } = SETTINGS;
  const { labelIds, after, limit, includeSpamTrash } = scope;
  const backwards = { includeSpamTrash, limit, after, labelIds };
  expect(isSameSettings(SETTINGS, { scope: backwards, ...others, push: { labelIds: [WORK] } })).toBe(true);
  expect(isSameScope(scope, backwards)).toBe(true);
});

it.each<readonly [string, Partial<MailboxSettings>]>([
  ['format', { format: 'raw' }],
  ['attachments', { attachments: !SETTINGS.attachments }],
  ['pollInterval', { pollInterval: 1_000 }],
  ['recovery', { recovery: 'minimal' }],
  ['auditInterval', { auditInterval: 1_000 }],
  ['push', { push: null }],
  ['labels of push', { push: { labelIds: [HOME] } }],
  ['labels of the scope', { scope: { ...SETTINGS.scope, labelIds: [WORK] } }],
  ['order of labels of the scope', { scope: { ...SETTINGS.scope, labelIds: [HOME, WORK] } }],
  ['date of the scope', { scope: { ...SETTINGS.scope, after: 1 } }],
  ['limit of the scope', { scope: { ...SETTINGS.scope, limit: 1 } }],
  ['spam and trash', { scope: { ...SETTINGS.scope, includeSpamTrash: true } }],
])('settings differ when one value differs: %s', (_, change) => {
  const after = { ...SETTINGS, ...change };
  expect([isSameSettings(SETTINGS, after), isSameSettings(after, SETTINGS)]).toEqual([false, false]);
});
