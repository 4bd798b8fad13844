import { Command } from 'commander';

import { addAudit } from './audit.ts';
import { addChanges } from './changes.ts';
import { addCheckBodies } from './check-bodies.ts';
import { addConfigure } from './configure.ts';
import { addConnectDomain } from './connect-domain.ts';
import { addConnect } from './connect.ts';
import { addCodecServer } from './codec-server.ts';
import type { Cli } from './context.ts';
import { addExport } from './export.ts';
import { addFailures } from './failures.ts';
import { addList } from './list.ts';
import { addLogin } from './login.ts';
import { addMigrate } from './migrate.ts';
import { addMove } from './move.ts';
import { addPause } from './pause.ts';
import { addPush } from './push.ts';
import { addRemove } from './remove.ts';
import { addRename } from './rename.ts';
import { addResume } from './resume.ts';
import { addResync } from './resync.ts';
import { addRotateKey } from './rotate-key.ts';
import { addSetCurrentVersion } from './set-current-version.ts';
import { addSimulate } from './simulate.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addStop } from './stop.ts';
import { addSweep } from './sweep.ts';
import { addSync } from './sync.ts';
import { addWorker } from './worker.ts';

const VERBS = [
  addMigrate,
  addMove,
  addWorker,
  addLogin,
  addConnect,
  addConnectDomain,
  addStart,
  addConfigure,
  addSync,
  addResync,
  addPause,
  addResume,
  addStop,
  addRename,
  addRemove,
  addStatus,
  addFailures,
  addAudit,
  addList,
  addExport,
  addChanges,
  addCheckBodies,
  addSweep,
  addPush,
  addRotateKey,
  addCodecServer,
  addSetCurrentVersion,
  addSimulate,
];

/** The command line, in the order of a mailbox's life. */
export function createProgram(cli: Cli): Command {
  const program = new Command('tidemark')
    .description('An exact, durable mirror of Gmail mailboxes in your own database, run by Temporal.')
    .helpCommand('help [command]', 'show how a command is used')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 bad usage, 3 messages could not be fetched (with --fail-on-failures).
Environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and other TEMPORAL_*; DATABASE_URL; DATABASE_PASSWORD_FILE;
BODIES_URL; BODIES_OVER; BODIES_SWEEP_GRACE; BODIES_GONE_GRACE; S3_ENDPOINT; AWS_REGION and other AWS_*;
DATABASE_CA_FILE; DATABASE_POOL_SIZE; DATABASE_AUTO_MIGRATE; GMAIL_ROOT_URL; GOOGLE_TOKEN_URL; GOOGLE_AUTH_URL; GOOGLE_ADMIN_URL;
GMAIL_QUOTA_PRICES; GMAIL_PRICES_FILE; GMAIL_METHOD_UNITS; GMAIL_USER_UNITS_PER_MINUTE; GMAIL_PROJECT_UNITS_PER_MINUTE;
GMAIL_PROJECT_UNITS_PER_DAY; GMAIL_USER_SHARE;
TIDEMARK_SECRET_KEY; TIDEMARK_SECRET_KEY_FILE; TIDEMARK_SECRET_KEY_COMMAND; TIDEMARK_OLD_SECRET_KEYS;
TIDEMARK_PAYLOAD_KEY; TIDEMARK_PAYLOAD_KEY_FILE; TIDEMARK_PAYLOAD_KEY_COMMAND; TIDEMARK_OLD_PAYLOAD_KEYS;
TIDEMARK_DEPLOYMENT; TIDEMARK_BUILD_ID; TIDEMARK_WORKFLOW_BUNDLE; TIDEMARK_DATA_DIR; TIDEMARK_TASK_QUEUE; LOG_LEVEL;
METRICS_ADDRESS; METRICS_INTERVAL; HEALTH_ADDRESS; OTEL_EXPORTER_OTLP_ENDPOINT and other OTEL_*;
PUSH_TOPIC; PUSH_AUDIENCE; PUSH_SERVICE_ACCOUNT; PUSH_SUBSCRIPTION; PUSH_TLS_CERT_FILE; PUSH_TLS_KEY_FILE; GOOGLE_KEYS_URL.

Try it without a Google account:
  $ npm start`,
    );
  for (const add of VERBS) add(program, cli);
  return program;
}
