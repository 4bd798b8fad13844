import type { Command } from 'commander';

import type { Config } from '../config/config.ts';
import { UsageError } from '../model/program-errors.ts';
import { parsePort } from './arguments.ts';
import { contextOf, verb, type Cli, type VerbOptions } from './verb-context.ts';

interface PushOptions extends VerbOptions {
  readonly port?: number;
  readonly host: string;
  readonly pull?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const DEFAULT_PORT = 8_080;

export function addPush(program: Command, cli: Cli): void {
  verb(program, 'push', {
    examples: [
      'PUSH_AUDIENCE=https://push.example.com/push PUSH_SERVICE_ACCOUNT=push@my-project.iam.gserviceaccount.com ' +
        'tidemark push --port 8080',
      'PUSH_SUBSCRIPTION=projects/my-project/subscriptions/tidemark tidemark push --pull',
    ],
  })
    .option(
      '--port <n>',
      `port of the endpoint, 0 for a free one (default ${DEFAULT_PORT}; with --pull none)`,
      parsePort,
    )
    .option('--host <address>', 'address to listen on', '0.0.0.0')
    .option('--pull', 'pull from PUSH_SUBSCRIPTION; beside an endpoint when --port is given too')
    .option(
      '--tls-cert <file>',
      'certificate chain in PEM form, instead of PUSH_TLS_CERT_FILE; without one TLS ends in front of it',
    )
    .option('--tls-key <file>', 'its private key, instead of PUSH_TLS_KEY_FILE')
    .addHelpText(
      'after',
      '\nServes POST /push, /healthz and /readyz. Needs Temporal, and no database. ' +
        'SIGTERM and Ctrl-C end it within 10 seconds. See docs/push.md.',
    )
    .action(async (options: PushOptions, command: Command) => {
      requireEndpoint(options, command);
      const { config: read, out } = await contextOf(cli, options);
      const config = await withCertificate(read, options);
      const pull = options.pull === true;
      const port = options.port ?? (pull ? null : DEFAULT_PORT);
      const [{ createLog }, { pushMain }] = await Promise.all([
        import('../host/log.ts'),
        import('../app/push-service.ts'),
      ]);
      await pushMain({
        config,
        log: createLog(config.logLevel),
        clock: cli.clock,
        signal: cli.signal,
        listen: port === null ? null : { port, host: options.host },
        pull,
        onRunning: ({ url }) => {
          const { subscription } = config.push;
          const words = [
            ...(url === null ? [] : [`Listening at ${url}/push.`]),
            ...(pull ? [`Pulling from ${subscription}.`] : []),
          ];
          out.result({ url, subscription: pull ? subscription : null }, () => words);
        },
      });
    });
}

function requireEndpoint({ pull, port }: PushOptions, command: Command): void {
  if (pull !== true || port !== undefined) return;
  const given = ['host', 'tlsCert', 'tlsKey'].find((option) => command.getOptionValueSource(option) === 'cli');
  if (given !== undefined)
    throw new UsageError('With --pull alone nothing listens: add --port, or leave --host and --tls-… out.');
}

async function withCertificate(config: Config, { tlsCert, tlsKey }: PushOptions): Promise<Config> {
  const { changedConfig } = await import('../config/config.ts');
  const { push } = config;
  return changedConfig(config, {
    push: { ...push, tlsCertFile: tlsCert ?? push.tlsCertFile, tlsKeyFile: tlsKey ?? push.tlsKeyFile },
  });
}
