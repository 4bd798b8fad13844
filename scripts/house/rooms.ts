/** A room of `src`: a folder, or one of the two files that lie in the corridor. */
export interface Room {
  /** Path below `src`. A room within a room (`store/rules`) is a separate room. */
  readonly place: string;
  readonly holds: string;
  /** Rooms, or single files of rooms, whose modules it may import. */
  readonly imports: readonly string[];
  /** Rooms of which it may import types only. */
  readonly types?: readonly string[];
  /** Packages, with everything below their names. `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
}

const GMAIL = ['gmail/api', 'gmail/access', 'gmail/quota'];
const STORE_FLOOR = ['model', 'store/engines', 'store/rules', 'store/bodies', 'store/rows'];
const STORE_WINGS = [
  'store/headers',
  'store/listing',
  'store/history',
  'store/fetching',
  'store/audits',
  'store/reads',
  'store/feed',
  'store/mailboxes',
  'store/removal',
  'store/subscriptions',
];
const STORE = ['store', 'store/engines', 'store/bodies', 'store/rows', ...STORE_WINGS];

/** Rooms that share one name in the table in ARCHITECTURE.md. */
export const GROUPS: readonly { readonly name: string; readonly places: readonly string[] }[] = [
  { name: 'the store and its wings', places: STORE },
  { name: "the store's wings", places: STORE_WINGS },
  { name: "model and the store's floor (engines, rules, bodies, rows)", places: STORE_FLOOR },
  { name: 'gmail', places: GMAIL },
];

/**
 * Which room may import which. Imports only point down, to rooms nearer the ground. The lint rules (`.oxlintrc.json`),
 * the table in ARCHITECTURE.md and the probes of `test/house/rooms.test.ts` come from it: `node
 * scripts/house/write.ts`.
 */
export const ROOMS: readonly Room[] = [
  {
    place: 'model',
    holds: "ids, settings, scope, history operations, prices, the clock's interface: pure",
    imports: [],
    packages: [],
  },
  {
    place: 'host',
    holds: 'what the machine gives: clock, log, terminal, private files, file lock, HTTP server',
    imports: ['model'],
    packages: ['node:', 'hono', '@hono/node-server', 'pino'],
  },
  {
    place: 'secrets',
    holds: 'the keys that encrypt credentials and payloads, and what they encrypt',
    imports: ['model', 'host'],
    packages: ['node:'],
  },
  {
    place: 'config',
    holds: 'environment variables, each parsed once into a typed value',
    imports: ['model', 'host'],
    packages: ['node:', 'zod', '@temporalio/envconfig'],
  },
  {
    place: 'gmail/api',
    holds: 'calls and answers: client over googleapis, batch codec, validators, error taxonomy, transport',
    imports: ['model'],
    packages: ['node:', 'googleapis', 'postal-mime', 'undici', 'zod'],
  },
  {
    place: 'gmail/access',
    holds: 'credentials, tokens, scopes, the directory of a domain',
    imports: ['model', 'gmail/api'],
    packages: ['node:', 'googleapis', 'zod'],
  },
  {
    place: 'gmail/quota',
    holds: 'pacing, the ledger of spent units, the width of calls, fetch plan and forecast',
    imports: ['model', 'gmail/api'],
    packages: ['node:'],
  },
  {
    place: 'deliveries/webhooks',
    holds: 'webhooks: keys and signatures, payloads, the guard of addresses, sending',
    imports: ['model', 'host', 'secrets'],
    packages: ['node:', 'standardwebhooks', 'undici'],
  },
  {
    place: 'store/engines',
    holds: 'SQLite and PostgreSQL: connections, dialects, schema, migrations, errors',
    imports: ['model', 'host'],
    packages: ['node:', 'kysely', 'pg', 'pg-connection-string'],
  },
  {
    place: 'store/rules',
    holds: 'what a listing, a record or a reading makes of a row: pure',
    imports: ['model'],
    packages: [],
  },
  {
    place: 'store/bodies',
    holds: 'bodies: in the database, in a folder, in a bucket; their register and its sweep',
    imports: ['model', 'host', 'store/engines'],
    packages: ['node:', 'kysely', '@aws-sdk/client-s3'],
  },
  {
    place: 'store/rows',
    holds: 'reading and writing rows of messages and mailboxes, with their entries in the change feed',
    imports: ['model', 'store/engines', 'store/rules', 'store/bodies'],
    packages: ['kysely'],
  },
  {
    place: 'store/headers',
    holds: 'what people ask of a message: subject, sender, recipients, dates; reading them from bodies',
    imports: STORE_FLOOR,
    packages: ['node:', 'kysely', 'postal-mime'],
  },
  {
    place: 'store/listing',
    holds: 'full syncs: pages, labels, suspects, the end of a listing',
    imports: STORE_FLOOR,
    packages: ['kysely'],
  },
  {
    place: 'store/history',
    holds: 'partial syncs: pages of history, early readings',
    imports: STORE_FLOOR,
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/fetching',
    holds: 'pending work, readings, attempts, lost bodies',
    imports: [...STORE_FLOOR, 'store/history', 'store/headers'],
    packages: ['kysely'],
  },
  { place: 'store/audits', holds: 'what an audit compares', imports: STORE_FLOOR, packages: ['kysely'] },
  {
    place: 'store/reads',
    holds: 'what an application reads: messages and changes',
    imports: [...STORE_FLOOR, 'store/fetching', 'store/headers'],
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/subscriptions',
    holds: 'who asks for changes, how far each is in each mailbox, deliveries that were set aside',
    imports: STORE_FLOOR,
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/feed',
    holds: 'the change feed of all mailboxes: its positions, reading and pruning it',
    imports: STORE_FLOOR,
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/removal',
    holds: 'removing mailboxes, and bodies of messages that are gone',
    imports: STORE_FLOOR,
    packages: ['kysely'],
  },
  {
    place: 'store/mailboxes',
    holds: 'what is kept of a mailbox as a whole: account, ledger, name',
    imports: [...STORE_FLOOR, 'store/removal', 'store/subscriptions'],
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/credentials',
    holds: 'encrypted credentials, apart from mail',
    imports: ['model', 'host', 'secrets', 'store/engines'],
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store',
    holds: 'the mirror behind `MailboxStore`, put together from its wings',
    imports: [...STORE_FLOOR, ...STORE_WINGS, 'secrets', 'store/credentials'],
    packages: ['node:', 'kysely'],
  },
  {
    place: 'store/move',
    holds: 'moving mailboxes from one database to another',
    imports: ['model', 'store', 'store/engines', 'store/bodies', 'store/mailboxes', 'store/subscriptions'],
    packages: ['node:', 'kysely'],
  },
  {
    place: 'reading',
    holds: 'what an application reads, without Temporal and Gmail: messages, decoded, and the change feed',
    imports: ['model', 'host', 'config', ...STORE],
    packages: ['node:', 'postal-mime'],
  },
  {
    place: 'deliveries',
    holds: 'handlers, attempts and their back-off: what the delivery lane does',
    imports: ['model', 'reading', ...STORE, 'deliveries/webhooks'],
    packages: ['node:'],
  },
  {
    place: 'storage',
    holds: 'opens what the configuration names: stores, and the keys of credentials',
    imports: ['model', 'host', 'config', 'secrets', 'store'],
    packages: [],
  },
  {
    place: 'activities',
    holds: 'openMailbox, fullSync, fetchSlice, recover, partialSync, audit: Gmail and store meet only here',
    imports: ['model', 'secrets', ...GMAIL, ...STORE, 'deliveries'],
    packages: ['node:', '@temporalio/activity', '@temporalio/common'],
  },
  {
    place: 'workflows',
    holds:
      'the mailbox workflow: `transition.ts` (what an event changes), ' +
      '`plan.ts` (what to do next) and `lane-scheduler.ts` (when) are pure',
    imports: ['model'],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  {
    place: 'client',
    holds: 'what an application imports to command mailboxes',
    imports: [
      'model',
      'secrets',
      ...STORE,
      'workflows/definitions.ts',
      'workflows/phase.ts',
      'workflows/search-attributes.ts',
      'workflows/status.ts',
    ],
    packages: ['node:', '@temporalio/client', '@temporalio/common'],
  },
  {
    place: 'push',
    holds: "the endpoint and the pull subscriber for Gmail's notifications",
    imports: ['model', 'host', 'client'],
    packages: ['@google-cloud/pubsub', 'hono', 'jose', 'zod'],
  },
  {
    place: 'telemetry',
    holds: "metrics through Temporal's meter, traces, health; other rooms know `model/telemetry.ts` only",
    imports: ['model', 'host', 'config', 'client'],
    types: ['store', 'store/fetching'],
    packages: [
      'node:',
      '@opentelemetry',
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/interceptors-opentelemetry',
      '@temporalio/worker',
    ],
  },
  {
    place: 'temporal/dev-server',
    holds: 'finds, starts and joins a local Temporal server',
    imports: ['model', 'host', 'config'],
    packages: ['node:', '@temporalio/client', '@temporalio/testing'],
  },
  {
    place: 'temporal',
    holds: 'connections to Temporal, the payload codec and its server, the bundle of workflows',
    imports: ['model', 'host', 'config', 'secrets', 'client', 'telemetry', 'temporal/dev-server'],
    packages: [
      'node:',
      'hono',
      'zod',
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/proto',
      '@temporalio/worker',
    ],
  },
  {
    place: 'simulator',
    holds: 'a Gmail over HTTP or in process',
    imports: ['model', 'host'],
    packages: ['node:', 'jose', 'postal-mime', 'zod'],
  },
  {
    place: 'accounts',
    holds: "connecting mailboxes: consent, a domain's users, labels by name, key rotation",
    imports: ['model', 'host', 'config', 'secrets', 'gmail/api', 'gmail/access', ...STORE, 'storage', 'client'],
    packages: ['node:'],
  },
  {
    place: 'app',
    holds: 'puts rooms together for a program: stores and client, housekeeping, push service, moves',
    imports: [
      'model',
      'host',
      'config',
      'gmail/access',
      ...STORE,
      'store/move',
      'reading',
      'storage',
      'activities/forecast-backfill.ts',
      'client',
      'workflows/phase.ts',
      'push',
      'telemetry',
      'temporal',
      'accounts',
    ],
    packages: ['node:', '@temporalio/client'],
  },
  {
    place: 'cli',
    holds: 'the verbs',
    imports: [
      'model',
      'host',
      'config',
      'secrets',
      'gmail/api',
      'gmail/access',
      'deliveries/webhooks',
      'store',
      'store/engines',
      'store/move',
      'reading',
      'storage',
      'client',
      'simulator',
      'temporal',
      'temporal/dev-server',
      'accounts',
      'app',
      'worker.ts',
    ],
    types: ['store/fetching', 'store/listing', 'store/mailboxes', 'store/reads', 'store/rows', 'store/subscriptions'],
    packages: ['node:', 'commander', 'open'],
  },
  {
    place: 'start',
    holds: '`npm start`',
    imports: [
      'model',
      'host',
      'config',
      'store',
      'storage',
      'client',
      'simulator',
      'telemetry',
      'temporal/dev-server',
      'accounts',
      'app',
      'cli',
      'worker.ts',
    ],
    packages: ['node:', 'commander', 'zod'],
  },
  {
    place: 'worker.ts',
    holds: 'the worker: puts activities and workflows together',
    imports: [
      'model',
      'host',
      'config',
      'gmail/api',
      'gmail/access',
      ...STORE,
      'storage',
      'activities',
      'deliveries',
      'reading',
      'workflows/definitions.ts',
      'client',
      'telemetry',
      'temporal',
      'app',
    ],
    packages: ['@temporalio/worker'],
  },
  {
    place: 'exports',
    holds: "the package's other entries beside `index.ts`: reader, worker, workflows, simulator",
    imports: [
      'model',
      'host',
      'gmail/access',
      'store/engines',
      'reading',
      'deliveries',
      'simulator',
      'telemetry',
      'workflows/index.ts',
      'worker.ts',
    ],
    packages: [],
  },
  {
    place: 'index.ts',
    holds: 'what an application imports: the client and what it reads',
    imports: [
      'model',
      'host',
      'config',
      'gmail/access',
      ...STORE,
      'reading',
      'client',
      'accounts',
      'app',
      'workflows/phase.ts',
    ],
    packages: [],
  },
];
