import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { z } from 'zod';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const loader = fileURLToPath(new URL('./loader', import.meta.url));
const run = promisify(execFile);

const healthcheck = z.object({ disable: z.boolean().optional(), test: z.array(z.string()).optional() });
const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

const service = z.object({
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  command: z
    .array(z.string())
    .nullish()
    .transform((words) => words ?? null),
  entrypoint: z
    .array(z.string())
    .nullish()
    .transform((words) => words ?? null),
  /** null where the variable is passed on from outside, and is not set there. */
  environment: z.record(z.string(), z.string().nullable()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.enum(CONDITIONS) })).default({}),
  healthcheck: healthcheck.optional(),
  ports: z
    .array(z.object({ host_ip: z.string().optional(), target: z.number(), published: z.string().optional() }))
    .default([]),
  secrets: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  volumes: z
    .array(
      z.object({ type: z.string(), source: z.string(), target: z.string(), read_only: z.boolean().default(false) }),
    )
    .default([]),
  user: z.string().optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  restart: z.string().optional(),
  stop_grace_period: z.string().optional(),
  container_name: z.string().optional(),
  deploy: z.object({ replicas: z.number().optional() }).optional(),
});

const project = z.object({
  services: z.record(z.string(), service),
  secrets: z
    .record(z.string(), z.object({ file: z.string().optional(), environment: z.string().optional() }))
    .default({}),
  volumes: z.record(z.string(), z.unknown()).default({}),
});

export type ComposeService = z.output<typeof service>;
export type ComposeProject = z.output<typeof project>;

/** Thrown where the Go toolchain is missing, which builds the loader. */
export class NoGoError extends Error {
  override readonly name = 'NoGoError';
}

/**
 * Loads Compose files with the library that Docker Compose itself is made of (loader/main.go), whatever profiles its
 * services are in.
 */
export class ComposeLoader {
  readonly #folder: string;
  readonly #binary: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#binary = join(folder, 'loader');
  }

  /** @throws {NoGoError} */
  static async build(): Promise<ComposeLoader> {
    const built = new ComposeLoader(mkdtempSync(join(tmpdir(), 'tidemark-compose-')));
    try {
      await run('go', ['build', '-o', built.#binary, '.'], { cwd: loader });
      return built;
    } catch (error) {
      built.close();
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      throw missing ? new NoGoError('Go is not on the PATH: https://go.dev/doc/install') : error;
    }
  }

  /**
   * @param env - what the files' own variables are read from; no `.env` is
   * @throws {Error} with what Compose says of a file that is wrong
   */
  async load(env: NodeJS.ProcessEnv, ...files: readonly string[]): Promise<ComposeProject> {
    const { stdout } = await run(this.#binary, [root, ...files.map((file) => join(root, file))], {
      cwd: root,
      env,
      maxBuffer: 16 * 2 ** 20,
    });
    return project.parse(JSON.parse(stdout));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
