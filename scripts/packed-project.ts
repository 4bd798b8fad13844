import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url));

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. An exit code other than 0 is a result, not an error. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Finished> {
  try {
    return { code: 0, ...(await promisify(execFile)(command, args, { ...options, maxBuffer: 64 * 2 ** 20 })) };
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
    } = error as Partial<Record<'stdout' | 'stderr', string>> & { code?: unknown };
    return { code: typeof code === 'number' ? code : 1, stdout, stderr };
  }
}

async function must(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** Builds the package and packs it. @returns the tarball's path */
export async function pack(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await must('npm', ['pack', '--pack-destination', folder], root);
  const [tarball = ''] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  return join(folder, tarball);
}

/** A project of its own in an empty folder, with packages from the registry or from a tarball. */
export class Project {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    // The package `node` fetches its binary in a script.
    const manifest = { name: 'product', private: true, type: 'module', allowScripts: { node: true } };
    this.write('package.json', JSON.stringify(manifest));
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  async install(...packages: readonly string[]): Promise<void> {
    await must('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], this.folder);
  }

  /** A file below node_modules. */
  module(...path: readonly string[]): string {
    return join(this.folder, 'node_modules', ...path);
  }

  /** Runs a program that a package brings, with the given Node and nothing of this process's environment but PATH. */
  bin(
    name: string,
    args: readonly string[],
    { node = process.execPath, env = {} }: { node?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Finished> {
    return this.node([this.module('.bin', name), ...args], { node, env });
  }

  node(
    args: readonly string[],
    { node = process.execPath, env = {} }: { node?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Finished> {
    const PATH = `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`;
    return run(node, args, { cwd: this.folder, env: { HOME: this.folder, PATH, ...env } });
  }
}
