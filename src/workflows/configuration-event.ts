import { changeSettings, InvalidSettingsError, type SettingsChange } from '../model/settings-change.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';

type ConfigurationEvent = Extract<MailboxEvent, { kind: 'configured' | 'refused' }>;

/** The event of a `configure` signal, whose argument anybody may have typed. Pure. */
export function configurationEvent(state: MailboxState, change: SettingsChange): ConfigurationEvent {
  try {
    return { kind: 'configured', settings: changeSettings(state.settings, change), change };
  } catch (error) {
    if (error instanceof InvalidSettingsError)
      return { kind: 'refused', message: `the settings were not changed: ${error.message}` };
    throw error;
  }
}
