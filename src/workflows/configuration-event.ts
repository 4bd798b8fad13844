import { changeSettings, InvalidSettingsError, type SettingsChange } from '../model/settings-change.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';
import { UnreadablePayload } from './unreadable-payload.ts';

type ConfigurationEvent = Extract<MailboxEvent, { kind: 'configured' | 'refused' }>;

/** The event of a `configure` signal, whose argument anybody may have typed. Pure. */
export function configurationEvent(state: MailboxState, change: SettingsChange): ConfigurationEvent {
  if (change instanceof UnreadablePayload) return refused(`the signal's argument cannot be read: ${change.why}`);
  try {
    return { kind: 'configured', settings: changeSettings(state.settings, change), change };
  } catch (error) {
    if (error instanceof InvalidSettingsError) return refused(error.message);
    throw error;
  }
}

const refused = (why: string): ConfigurationEvent => ({
  kind: 'refused',
  message: `the settings were not changed: ${why}`,
});
