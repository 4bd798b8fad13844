import type { Command } from 'commander';

import type { Cli } from './verb-context.ts';

/** A verb as `tidemark --help` shows it. Its code and what it imports are loaded only when the verb is used. */
export interface Verb {
  readonly name: string;
  /** The arguments in its usage line, empty where it takes none. */
  readonly arguments: string;
  readonly summary: string;
  readonly load: () => Promise<AddVerb>;
}

type AddVerb = (program: Command, cli: Cli) => void;

/** In the order of a mailbox's life. */
export const VERBS: readonly Verb[] = [
  {
    name: 'doctor',
    arguments: '',
    summary: 'examine the installation, and say what to do about what does not work',
    load: async () => (await import('./doctor-verb.ts')).addDoctor,
  },
  {
    name: 'migrate',
    arguments: '',
    summary: "bring the database's tables up to this version",
    load: async () => (await import('./migrate-verb.ts')).addMigrate,
  },
  {
    name: 'move',
    arguments: '',
    summary: 'copy every mailbox, with its changes and credentials, to another database',
    load: async () => (await import('./move-verb.ts')).addMove,
  },
  {
    name: 'worker',
    arguments: '',
    summary: 'run the worker in the foreground',
    load: async () => (await import('./worker-verb.ts')).addWorker,
  },
  {
    name: 'login',
    arguments: '[email]',
    summary: 'ask for consent in the browser, and connect the mailbox',
    load: async () => (await import('./login-verb.ts')).addLogin,
  },
  {
    name: 'connect',
    arguments: '<email>',
    summary: 'store the credentials of a mailbox, encrypted',
    load: async () => (await import('./connect-verb.ts')).addConnect,
  },
  {
    name: 'connect-domain',
    arguments: '',
    summary: 'connect and start all mailboxes of a Workspace domain',
    load: async () => (await import('./connect-domain-verb.ts')).addConnectDomain,
  },
  {
    name: 'start',
    arguments: '<email>',
    summary: "start or wake a mailbox's workflow",
    load: async () => (await import('./start-verb.ts')).addStart,
  },
  {
    name: 'configure',
    arguments: '<email>',
    summary: 'change settings of a mailbox that runs',
    load: async () => (await import('./configure-verb.ts')).addConfigure,
  },
  {
    name: 'sync',
    arguments: '<email>',
    summary: 'read what changed at Gmail now, in a partial sync',
    load: async () => (await import('./sync-verb.ts')).addSync,
  },
  {
    name: 'resync',
    arguments: '<email>',
    summary: 'list a mailbox again and correct every difference',
    load: async () => (await import('./resync-verb.ts')).addResync,
  },
  {
    name: 'pause',
    arguments: '<email>',
    summary: 'stop synchronising a mailbox until it is resumed',
    load: async () => (await import('./pause-verb.ts')).addPause,
  },
  {
    name: 'resume',
    arguments: '[email]',
    summary: 'go on after a pause, or ask Gmail again at once after a failure',
    load: async () => (await import('./resume-verb.ts')).addResume,
  },
  {
    name: 'stop',
    arguments: '<email>',
    summary: "end a mailbox's workflow and keep its data",
    load: async () => (await import('./stop-verb.ts')).addStop,
  },
  {
    name: 'rename',
    arguments: '<email> <to>',
    summary:
      'give a mailbox the address that its account has now at Google; mail, changes, mark, ' +
      'settings and credentials stay',
    load: async () => (await import('./rename-verb.ts')).addRename,
  },
  {
    name: 'remove',
    arguments: '<email>',
    summary: "end a mailbox's workflow and delete everything of it: mail, changes, credentials",
    load: async () => (await import('./remove-verb.ts')).addRemove,
  },
  {
    name: 'status',
    arguments: '<email>',
    summary: 'what a mailbox does, what it holds, and what is wrong with it',
    load: async () => (await import('./status-verb.ts')).addStatus,
  },
  {
    name: 'failures',
    arguments: '<email>',
    summary: 'messages of a mailbox that could not be fetched',
    load: async () => (await import('./failures-verb.ts')).addFailures,
  },
  {
    name: 'audit',
    arguments: '<email>',
    summary: 'compare a mailbox with Gmail',
    load: async () => (await import('./audit-verb.ts')).addAudit,
  },
  {
    name: 'list',
    arguments: '',
    summary: 'all mailboxes, stored or running',
    load: async () => (await import('./list-verb.ts')).addList,
  },
  {
    name: 'show',
    arguments: '<email> <message>',
    summary: 'print one message of a mailbox, decoded',
    load: async () => (await import('./show-verb.ts')).addShow,
  },
  {
    name: 'export',
    arguments: '<email>',
    summary: 'write the stored messages of a mailbox to stdout',
    load: async () => (await import('./export-verb.ts')).addExport,
  },
  {
    name: 'changes',
    arguments: '[email]',
    summary: 'the changes of a mailbox, or of all, oldest first',
    load: async () => (await import('./changes-verb.ts')).addChanges,
  },
  {
    name: 'subscribe',
    arguments: '<name>',
    summary: 'have changes sent to a webhook, or change how',
    load: async () => (await import('./subscribe-verb.ts')).addSubscribe,
  },
  {
    name: 'subscriptions',
    arguments: '',
    summary: 'who gets the changes of mailboxes, and whether they take them',
    load: async () => (await import('./subscriptions-verb.ts')).addSubscriptions,
  },
  {
    name: 'deliveries',
    arguments: '<name>',
    summary: 'how far a subscription is in each mailbox, and what is parked',
    load: async () => (await import('./deliveries-verb.ts')).addDeliveries,
  },
  {
    name: 'replay',
    arguments: '<name>',
    summary: 'deliver changes again to a subscription',
    load: async () => (await import('./replay-verb.ts')).addReplay,
  },
  {
    name: 'unsubscribe',
    arguments: '<name>',
    summary: 'end a subscription',
    load: async () => (await import('./unsubscribe-verb.ts')).addUnsubscribe,
  },
  {
    name: 'check-bodies',
    arguments: '<email>',
    summary: 'read every body of a mailbox, and have lost ones fetched again',
    load: async () => (await import('./check-bodies-verb.ts')).addCheckBodies,
  },
  {
    name: 'sweep',
    arguments: '',
    summary: 'remove bodies outside the database that nothing names any more',
    load: async () => (await import('./sweep-verb.ts')).addSweep,
  },
  {
    name: 'push',
    arguments: '',
    summary: "receive Gmail's push notifications in the foreground",
    load: async () => (await import('./push-verb.ts')).addPush,
  },
  {
    name: 'test-webhook',
    arguments: '<url>',
    summary: 'send a signed webhook to try its receiver out',
    load: async () => (await import('./test-webhook-verb.ts')).addTestWebhook,
  },
  {
    name: 'rotate-key',
    arguments: '',
    summary: 'encrypt all stored credentials, and secrets of webhooks, with the current key',
    load: async () => (await import('./rotate-key-verb.ts')).addRotateKey,
  },
  {
    name: 'codec-server',
    arguments: '',
    summary: "decrypt payloads for Temporal's UI, in the foreground",
    load: async () => (await import('./codec-server-verb.ts')).addCodecServer,
  },
  {
    name: 'set-current-version',
    arguments: '[build]',
    summary: 'move the mailboxes to the workers of a build, or back',
    load: async () => (await import('./set-current-version-verb.ts')).addSetCurrentVersion,
  },
  {
    name: 'simulate',
    arguments: '',
    summary: 'run a simulated Gmail to try things with',
    load: async () => (await import('./simulate-verb.ts')).addSimulate,
  },
];
