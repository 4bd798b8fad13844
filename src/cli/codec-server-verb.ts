import type { Command } from 'commander';

import { CannotDoError } from '../model/program-errors.ts';
import { collect, parsePort } from './arguments.ts';
import { contextOf, untilAborted, verb, type Cli, type VerbOptions } from './verb-context.ts';

interface CodecServerVerbOptions extends VerbOptions {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly origin?: readonly string[];
}

const DEFAULT_PORT = 8_234;
/** Where `npm start` serves Temporal's UI. */
const DEFAULT_ORIGIN = 'http://localhost:8233';

export function addCodecServer(program: Command, cli: Cli): void {
  verb(program, 'codec-server', {
    examples: ['tidemark codec-server --port 8234 --origin http://localhost:8233'],
  })
    .option('--port <n>', 'port, 0 for a free one', parsePort, DEFAULT_PORT)
    .option('--host <address>', 'address to listen on; everyone who reaches it can read the payloads', '127.0.0.1')
    .option(
      '--allow-host <name>',
      'a name by which the UI reaches it, beside localhost and IP addresses; may be given more than once',
      collect(String),
    )
    .option(
      '--origin <url>',
      `where the UI is, more than once for several (default ${DEFAULT_ORIGIN})`,
      collect(String),
    )
    .addHelpText(
      'after',
      "\nNeeds TIDEMARK_PAYLOAD_KEY. Enter its address in the UI's data encoder settings. Ctrl-C stops it.",
    )
    .action(async (options: CodecServerVerbOptions) => {
      const { config, out, clock, signal } = await contextOf(cli, options);
      const [{ payloadCodecOf }, { startCodecServer }] = await Promise.all([
        import('../temporal/payload-codec.ts'),
        import('../temporal/codec-server.ts'),
      ]);
      const codec = await payloadCodecOf(config, clock);
      if (codec === null)
        throw new CannotDoError(
          'no-payload-key',
          'TIDEMARK_PAYLOAD_KEY is not set. Give the key that the workers have; ' +
            "if they have none, payloads are not encrypted, and Temporal's UI needs no codec server.",
        );
      const origins = options.origin ?? [DEFAULT_ORIGIN];
      const server = await startCodecServer({
        codec,
        origins,
        allowedHosts: options.allowHost ?? [],
        port: options.port,
        host: options.host,
        clock,
      });
      try {
        out.result({ url: server.url, origins }, () => `Decrypting at ${server.url} for ${origins.join(', ')}.`);
        await untilAborted(signal);
      } finally {
        await server.close();
      }
    });
}
