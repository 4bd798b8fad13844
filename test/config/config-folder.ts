import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach } from 'vitest';

import { type Config, loadConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/config-error.ts';

/** Configurations that are read in an empty folder, a new one for each test of a file. */
export function useConfigFolder() {
  let cwd = '';
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'tidemark-config-'));
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });
  /** Temporal's own configuration file is searched under HOME: an empty one keeps the tester's file out. */
  const load = (env: NodeJS.ProcessEnv = {}): Config =>
    loadConfig({ env: { HOME: cwd, XDG_CONFIG_HOME: cwd, ...env }, cwd });
  const errorOf = (env: NodeJS.ProcessEnv): ConfigError => {
    try {
      load(env);
    } catch (error) {
      if (error instanceof ConfigError) return error;
    }
    throw new Error('the configuration was accepted');
  };
  return { load, errorOf, folder: () => cwd };
}
