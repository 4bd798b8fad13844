import { CommanderError, type Command } from 'commander';

import { UsageError } from '../model/program-errors.ts';
import type { FailureReport } from './failure-report.ts';
import { writeLines } from '../host/terminal.ts';
import type { Cli } from './verb-context.ts';
import { createProgram } from './program.ts';
import { commanderOutput } from './commander-output.ts';

/** The exit code by which shells show that Ctrl-C ended a program. */
const INTERRUPTED = 130;

/**
 * Runs one command.
 *
 * @param args - the arguments after the program's name
 * @returns the exit code: 0 done, 1 failed, 2 bad usage, 3 messages could not be fetched (`--fail-on-failures`), 130
 * interrupted
 */
export async function runCli(args: readonly string[], cli: Cli): Promise<number> {
  const json = args.includes('--json');
  const asked = verbIn(args);
  const program = await createProgram(cli, ({ name }) => name === asked);
  for (const command of [program, ...program.commands]) quieten(command, cli, json);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (cli.signal.aborted) return INTERRUPTED;
    if (error instanceof CommanderError) return await afterCommander(error, cli, json);
    // Loaded only now: it imports every kind of error, from many rooms.
    const { reportFailure, stackLines } = await import('./failure-report.ts');
    const report = reportFailure(error);
    write(report, cli, json);
    if (['debug', 'trace'].includes(cli.env['LOG_LEVEL'] ?? '') && error instanceof Error)
      writeLines(cli.stderr, stackLines(error));
    return report.exitCode;
  }
}

/** The verb that is to run, or whose help is asked for. */
function verbIn(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

/** Keeps commander from writing its errors as text with `--json`: `afterCommander` writes them as JSON. */
function quieten(command: Command, { stdout, stderr }: Cli, json: boolean): void {
  command.exitOverride().configureOutput(commanderOutput('tidemark', { stdout, stderr }, { errors: !json }));
}

async function afterCommander(error: CommanderError, cli: Cli, json: boolean): Promise<number> {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  // Without a command the help is shown, but the usage was wrong.
  if (error.code === 'commander.help') return error.exitCode === 0 ? 0 : 2;
  if (json)
    write(
      (await import('./failure-report.ts')).reportFailure(new UsageError(error.message.replace(/^error: /, ''))),
      cli,
      true,
    );
  return 2;
}

function write({ code, message, lines: [first = '', ...more] }: FailureReport, { stderr }: Cli, json: boolean): void {
  writeLines(stderr, json ? [JSON.stringify({ code, message })] : [`tidemark: ${first}`, ...more]);
}
