import { readFileSync, statSync } from 'node:fs';
import { PostgresServer } from './postgres-server.ts';

/** One statement as the server ran it. */
export interface RanStatement {
  readonly text: string;
  readonly milliseconds: number;
  readonly plan: string;
  /** Tables that were read from their beginning to their end. */
  readonly scanned: readonly string[];
}

/** A server that writes the plan of each statement that it runs into its log, where tests and benches read it. */
export class PlanServer {
  readonly server: PostgresServer;
  #read = 0;

  private constructor(server: PostgresServer) {
    this.server = server;
  }

  /**
   * @param settings - more of postgresql.conf, for example `enable_seqscan: 'off'`: then a scan only shows where there
   * is no index to use
   */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PlanServer> {
    const explaining = {
      session_preload_libraries: 'auto_explain',
      'auto_explain.log_min_duration': '0',
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_timing': 'off',
    };
    return new PlanServer(
      await PostgresServer.start({
        settings: {
          ...explaining,
          'auto_explain.log_nested_statements': 'on',
          log_line_prefix: '',
          jit: 'off',
          ...settings,
        },
      }),
    );
  }

  /** What was run since the last time. */
  statements(): readonly RanStatement[] {
    const log = readFileSync(this.server.logFile).subarray(this.#read).toString();
    this.#read = statSync(this.server.logFile).size;
    return [...log.matchAll(/^LOG: {2}duration: ([\d.]+) ms {2}plan:\n((?:\t.*\n?)+)/gm)].map(
      ([, milliseconds = '0', block = '']) => {
        const lines = block.split('\n').map((line) => line.slice(1));
        // The text may have several lines; the plan begins with its first node.
        const start = lines.findIndex((line) => /\((cost|actual)=?.*rows=/.test(line));
        const plan = lines.slice(start).join('\n').trimEnd();
        return {
          text: lines.slice(0, start).join(' ').replace('Query Text: ', '').replaceAll(/\s+/g, ' '),
          milliseconds: Number(milliseconds),
          plan,
          scanned: [...plan.matchAll(/Seq Scan on (\w+)/g)].map(([, table = '']) => table),
        };
      },
    );
  }
}
