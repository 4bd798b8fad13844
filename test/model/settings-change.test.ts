import { describe, expect, it } from 'vitest';

import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import {
  changeSettings,
  completeSettings,
  InvalidSettingsError,
  withLists,
  type SettingsChange,
} from '../../src/model/settings-change.ts';
import { configurationEvent } from '../../src/workflows/configuration-event.ts';
import { initialState } from '../../src/workflows/mailbox-state.ts';
import { mailboxId } from '../../src/model/ids.ts';

describe('a change of settings', () => {
  it('keeps the settings that it does not name', () => {
    const changed = changeSettings(
      { ...DEFAULT_SETTINGS, pollInterval: 5_000 },
      { format: 'raw', scope: { includeSpamTrash: true } },
    );
    expect(changed).toEqual({
      ...DEFAULT_SETTINGS,
      pollInterval: 5_000,
      format: 'raw',
      scope: { ...DEFAULT_SETTINGS.scope, includeSpamTrash: true },
    });
  });

  it.each([
    ['{"format":"eml"}', 'format'],
    ['{"pollInterval":0}', 'pollInterval'],
    ['{"pollInterval":"5m"}', 'pollInterval'],
    ['{"pollInterval":9007199254740991}', 'pollInterval'],
    ['{"recovery":"fast"}', 'recovery'],
    ['{"auditInterval":-1}', 'auditInterval'],
    ['{"scope":{"limit":0}}', 'limit'],
    ['{"scope":{"labelIds":"INBOX"}}', 'labelIds'],
    ['{"scope":{"after":"2026-01-01"}}', 'after'],
    ['{"scope":null}', 'scope'],
    ['{"colour":"red"}', 'colour'],
    ['"raw"', 'settings'],
    ['[]', 'settings'],
  ])('with a wrong value is refused, and the error names the setting: %s', (typed, name) => {
    const change = JSON.parse(typed) as SettingsChange;
    expect(() => changeSettings(DEFAULT_SETTINGS, change)).toThrow(InvalidSettingsError);
    expect(() => changeSettings(DEFAULT_SETTINGS, change)).toThrow(name);
  });

  it.each([
    [
      '{"scope":{"labelIds":null,"limit":5},"push":{"labelIds":null}}',
      { scope: { labelIds: [], limit: 5 }, push: { labelIds: [] } },
    ],
    ['{"push":null,"auditInterval":null}', { push: null, auditInterval: null }],
  ])('has empty lists where a client in Go wrote null for a list: %s', (written, change) => {
    expect(withLists(JSON.parse(written) as SettingsChange)).toEqual(change);
  });

  it('that is wrong becomes the event of a refusal, with its reason', () => {
    const state = initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: 0 });
    expect(configurationEvent(state, JSON.parse('{"format":"eml"}') as SettingsChange)).toEqual({
      kind: 'refused',
      message:
        'the settings were not changed: the setting "format" is wrong: expected one of full, raw, metadata, minimal',
    });
  });
});

it('settings that an earlier version stored get defaults for what they lack', () => {
  expect(completeSettings({ format: 'raw', pollInterval: 1_000, scope: DEFAULT_SETTINGS.scope })).toEqual({
    ...DEFAULT_SETTINGS,
    format: 'raw',
    pollInterval: 1_000,
  });
});
