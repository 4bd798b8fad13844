import { execFile } from 'node:child_process';

import { childEnvironment } from './child-environment.ts';

export interface CommandOptions {
  readonly cwd?: string;
  /** The command gets only the part of this environment that it needs. */
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds after which the command is killed. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a command to its end.
 * @returns what it printed on its standard output
 * @throws {Error} with a message of one line: the command does not exist, ran too long, or the last line that it
 * printed
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      {
        ...options,
        env: childEnvironment(options.env, 'download'),
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else if (error.name === 'AbortError') reject(error);
        else if (error.code === 'ENOENT') reject(new Error(`no ${command} on the PATH`));
        else if (error.killed === true)
          reject(new Error(`${command} had not finished after ${options.timeout / 1000} s`));
        else
          reject(new Error(`${command}: ${lastLine(stderr) ?? lastLine(stdout) ?? `exit code ${error.code ?? '?'}`}`));
      },
    );
  });
}

function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '')
    ?.slice(0, 300);
}
