import { Command } from 'commander';

import type { Cli } from './verb-context.ts';
import { programVersion } from '../host/program-version.ts';
import { VERBS, type Verb } from './verbs.ts';

/**
 * Builds the command line.
 *
 * @param asked - true loads a verb's options and code; of the other verbs only names and summaries are known
 */
export async function createProgram(cli: Cli, asked: (verb: Verb) => boolean = () => true): Promise<Command> {
  const program = new Command('tidemark')
    .description('An exact, durable mirror of Gmail mailboxes in your own database, run by Temporal.')
    .version(programVersion())
    .helpCommand('help [command]', 'show how a command is used')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 bad usage, 3 messages could not be fetched (with --fail-on-failures),
130 interrupted (Ctrl-C).
Environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and other TEMPORAL_*; DATABASE_URL; DATABASE_PASSWORD_FILE;
BODIES_URL; BODIES_OVER; BODIES_SWEEP_GRACE; BODIES_GONE_GRACE; CHANGES_KEPT; S3_ENDPOINT; AWS_REGION and other AWS_*;
DATABASE_CA_FILE; DATABASE_POOL_SIZE; DATABASE_AUTO_MIGRATE;
GMAIL_ROOT_URL; GOOGLE_TOKEN_URL; GOOGLE_AUTH_URL; GOOGLE_ADMIN_URL; GOOGLE_KEYS_URL;
GMAIL_QUOTA_PRICES; GMAIL_QUOTA_PRICES_END; GMAIL_PRICES_FILE; GMAIL_METHOD_UNITS;
GMAIL_USER_UNITS_PER_MINUTE; GMAIL_PROJECT_UNITS_PER_MINUTE; GMAIL_PROJECT_UNITS_PER_DAY; GMAIL_USER_SHARE;
TIDEMARK_SECRET_KEY; TIDEMARK_SECRET_KEY_FILE; TIDEMARK_SECRET_KEY_COMMAND; TIDEMARK_OLD_SECRET_KEYS;
TIDEMARK_PAYLOAD_KEY; TIDEMARK_PAYLOAD_KEY_FILE; TIDEMARK_PAYLOAD_KEY_COMMAND; TIDEMARK_OLD_PAYLOAD_KEYS;
TIDEMARK_DEPLOYMENT; TIDEMARK_BUILD_ID; TIDEMARK_WORKFLOW_BUNDLE; TIDEMARK_CACHED_MAILBOXES; TIDEMARK_DATA_DIR;
TIDEMARK_TASK_QUEUE; LOG_LEVEL;
METRICS_ADDRESS; METRICS_INTERVAL; HEALTH_ADDRESS; OTEL_EXPORTER_OTLP_ENDPOINT and other OTEL_*;
PUSH_TOPIC; PUSH_AUDIENCE; PUSH_SERVICE_ACCOUNT; PUSH_SUBSCRIPTION; PUSH_TLS_CERT_FILE; PUSH_TLS_KEY_FILE;
WEBHOOK_ALLOWED_NETWORKS.

Try it without a Google account, in a checkout:
  $ npm start`,
    );
  for (const verb of VERBS) {
    if (asked(verb)) (await verb.load())(program, cli);
    else program.command(`${verb.name} ${verb.arguments}`.trimEnd()).option('--json');
    const added = program.commands.find((command) => command.name() === verb.name);
    added?.summary(verb.summary).description(verb.summary);
  }
  return program;
}
