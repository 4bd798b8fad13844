import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { CannotDoError } from '../model/program-errors.ts';

/**
 * Packages that only some installations need. They are optional peers, so that the other installations can do without.
 */
export interface OptionalPackages {
  /** Begins a sentence. */
  readonly what: string;
  /** As `npm install` takes them: the name, and the major version that Tidemark was built for. */
  readonly packages: readonly string[];
}

export const OPTIONAL_PACKAGES = {
  postgres: { what: 'A PostgreSQL database', packages: ['pg@8'] },
  bucket: { what: 'A bucket for bodies (BODIES_URL)', packages: ['@aws-sdk/client-s3@3'] },
  // Not @6: later versions need a package that is not available.
  pull: { what: 'Pulling notifications (PUSH_SUBSCRIPTION)', packages: ['@google-cloud/pubsub@6.3.0'] },
  traces: {
    what: 'Sending traces (OTEL_*)',
    packages: [
      '@opentelemetry/api@1',
      '@opentelemetry/context-async-hooks@1',
      '@opentelemetry/core@1',
      '@opentelemetry/exporter-trace-otlp-http@0.57',
      '@opentelemetry/exporter-trace-otlp-proto@0.57',
      '@opentelemetry/resources@1',
      '@opentelemetry/sdk-trace-base@1',
      '@opentelemetry/semantic-conventions@1',
      '@temporalio/interceptors-opentelemetry@1',
    ],
  },
} as const satisfies Record<string, OptionalPackages>;

export type OptionalFeature = keyof typeof OPTIONAL_PACKAGES;

/**
 * Call this before a feature's packages are imported, ideally when the program starts.
 *
 * @throws {CannotDoError} `missing-package` when one is missing or has another major version; the message names the
 * command that installs it
 */
export function requireInstalled(feature: OptionalFeature): void {
  const { what, packages }: OptionalPackages = OPTIONAL_PACKAGES[feature];
  const missing = packages.filter((wanted) => !isInstalled(wanted));
  if (missing.length === 0) return;
  const needs = missing.length === 1 ? 'a package that is' : 'packages that are';
  throw new CannotDoError(
    'missing-package',
    `${what} needs ${needs} not installed, or only in another version. Run: npm install ${missing.join(' ')}`,
  );
}

const require = createRequire(import.meta.url);

function isInstalled(wanted: string): boolean {
  const at = wanted.lastIndexOf('@');
  const version = versionOf(wanted.slice(0, at));
  return version !== null && majorOf(version) === majorOf(wanted.slice(at + 1));
}

/** Below 1.0 the second number breaks compatibility, too. */
const majorOf = (version: string): string => /^(0\.\d+|\d+)/.exec(version)?.[0] ?? version;

/** The version that an import from here would load; null when there is none. The package itself is not loaded. */
function versionOf(name: string): string | null {
  for (const folder of require.resolve.paths(name) ?? []) {
    const version = versionIn(join(folder, name));
    if (version !== null) return version;
  }
  return null;
}

function versionIn(folder: string): string | null {
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    return (JSON.parse(text) as { readonly version: string }).version;
  } catch {
    return null;
  }
}
