import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of ours in a process of its own. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(entry: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [source(entry), ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(([code]: unknown[]) => ({ code: typeof code === 'number' ? code : null, stdout: this.stdout, stderr: this.stderr }));
  }

  /** Resolves with what the pattern matched once the program has said it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found !== null) return found;
      const more = [once(this.child, 'close').then(() => 'closed'), ...[this.child.stdout, this.child.stderr].flatMap((stream) => (stream === null ? [] : [once(stream, 'data')]))];
      if ((await Promise.race(more)) === 'closed' && pattern.exec(this.stdout + this.stderr) === null) throw new Error(`ended without ${pattern}:\n${this.stdout}${this.stderr}`);
    }
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}
