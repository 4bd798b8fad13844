import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Code as it would stand in a file of the project. */
export interface Probe {
  readonly file: string;
  readonly code: string;
}

export interface Refusal {
  readonly rule: string;
  /** In the probe's code, counted from 1. */
  readonly line: number;
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** Rules whose refusals are of interest: those that say what code may use, and how long a function may be. */
const ASKED = /^(no-(restricted|console)|max-lines)/;

/**
 * Lints each probe in a project of its own, by the project's configuration.
 *
 * @returns for each probe what is refused in it
 */
export async function lint(probes: readonly Probe[]): Promise<readonly (readonly Refusal[])[]> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-lint-'));
  try {
    for (const [number, { file, code }] of probes.entries()) {
      const path = join(directory, String(number), file);
      mkdirSync(dirname(path), { recursive: true });
      for (const config of ['.oxlintrc.json', '.oxlintrc.rooms.json'])
        copyFileSync(join(root, config), join(directory, String(number), config));
      writeFileSync(path, `${code}\n`);
    }
    const refused = probes.map((): Refusal[] => []);
    for (const { code, filename, labels } of await diagnosticsIn(directory)) {
      const rule = /\((.+)\)/.exec(code)?.[1] ?? code;
      const [number = ''] = filename.split('/');
      if (ASKED.test(rule)) refused[Number(number)]?.push({ rule, line: labels[0]?.span.line ?? 0 });
    }
    return refused;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function diagnosticsIn(cwd: string): Promise<readonly Diagnostic[]> {
  const command = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const report = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [command, '--format=json', '.'],
      { cwd, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (stdout === '') reject(error ?? new Error(stderr));
        else resolve(stdout);
      },
    );
  });
  return (JSON.parse(report) as { readonly diagnostics: readonly Diagnostic[] }).diagnostics;
}
