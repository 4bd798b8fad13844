import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS, isSameSettings, type MailboxSettings } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
import type { SettingsPreview } from '../model/settings-preview.ts';
import { configure, workflowIdOf } from '../workflows/definitions.ts';
import { viewOf, type ClientMeans } from './mailbox-workflow.ts';
import {
  previewSettings,
  requireSensible,
  type FirstSync,
  type PreviewAccess,
  type PreviewRequest,
} from './preview-settings.ts';
import { startOrWake } from './start-mailbox.ts';

/** What a start has found and done. */
export interface StartedMailbox {
  /** Whether its workflow ran before. */
  readonly wasRunning: boolean;
  /** Whether the settings differ from those that the mailbox had. */
  readonly isChanged: boolean;
  /** The settings that the mailbox has now. */
  readonly settings: MailboxSettings;
}

/** What a change of settings works with. The change is compared with Gmail and with the store before it is sent. */
export interface CheckedSettingsMeans extends ClientMeans {
  readonly previewing: PreviewAccess;
  readonly taskQueue: string;
}

/** Starts a mailbox's workflow, or wakes the one that runs and gives it these settings. */
export async function startChecked(
  means: CheckedSettingsMeans,
  mailbox: MailboxId,
  change: SettingsChange,
): Promise<StartedMailbox> {
  const { temporal, rpc, clock, taskQueue, store } = means;
  const { present, wanted, status, wasRunning } = await wantedSettings(means, mailbox, change);
  await requireSensible(previewOf(means, mailbox, { present, wanted }), clock.now());
  const isChanged = !isSameSettings(present, wanted);
  await startOrWake({
    temporal,
    rpc,
    clock,
    taskQueue,
    mailbox,
    settings: wanted,
    store: await store.identity(),
    change,
    // Without a worker's answer the workflow's settings are unknown, and signalling them again does no harm.
    configure: wasRunning && (status === null || isChanged) && Object.keys(change).length > 0,
  });
  return { wasRunning, isChanged, settings: wanted };
}

/** Changes settings of a mailbox that runs. @returns the settings as they will be */
export async function configureChecked(
  means: CheckedSettingsMeans,
  mailbox: MailboxId,
  change: SettingsChange,
): Promise<MailboxSettings> {
  const { temporal, rpc, clock } = means;
  const { present, wanted } = await wantedSettings(means, mailbox, change);
  await requireSensible(previewOf(means, mailbox, { present, wanted }), clock.now());
  const handle = temporal.workflow.getHandle(workflowIdOf(mailbox));
  await rpc({ mailbox }, () => handle.signal(configure, change));
  return wanted;
}

/** Says what a change of settings would do, and changes nothing. */
export async function previewChange(
  means: CheckedSettingsMeans,
  mailbox: MailboxId,
  change: SettingsChange,
): Promise<SettingsPreview> {
  const request = previewOf(means, mailbox, await wantedSettings(means, mailbox, change));
  const preview = await previewSettings(request);
  await requireSensible(request, means.clock.now(), preview);
  return preview;
}

/** Says what the first sync with these settings will take. @returns null when the mailbox was synchronised before */
export async function previewFirst(
  { store, previewing }: CheckedSettingsMeans,
  mailbox: MailboxId,
  { change, signal }: { readonly change: SettingsChange; readonly signal: AbortSignal | undefined },
): Promise<FirstSync | null> {
  if ((await store.getMailbox(mailbox)) !== null) return null;
  return previewing.firstSync(mailbox, changeSettings(DEFAULT_SETTINGS, change), signal);
}

/** The settings of a mailbox, and those it will have. */
async function wantedSettings(means: ClientMeans, mailbox: MailboxId, change: SettingsChange) {
  const { status, phase } = await viewOf(means, mailbox);
  const present = status?.settings ?? (await means.store.getMailbox(mailbox))?.settings ?? DEFAULT_SETTINGS;
  return { present, wanted: changeSettings(present, change), status, wasRunning: phase !== null };
}

const previewOf = (
  { store, previewing }: CheckedSettingsMeans,
  mailbox: MailboxId,
  { present, wanted }: { readonly present: MailboxSettings; readonly wanted: MailboxSettings },
): PreviewRequest => ({ store, access: previewing, mailbox, before: present, after: wanted });
