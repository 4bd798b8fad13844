import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** The bundle of workflows that `npm run build` puts into `dist`. A checkout has none beside its source. */
export const SHIPPED_BUNDLE = 'workflow-bundle.js';

/**
 * A bundle contains the SDK's own workflow code, which must be of the worker's version: its first line names that
 * version.
 */
const versionLine = (): string => {
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { readonly version: string };
  return `// @temporalio/worker ${version}\n`;
};

/** The text of a bundle to ship. */
export const withVersion = (code: string): string => versionLine() + code;

/**
 * The bundle that the package ships, so that a worker starts without a bundler.
 *
 * @returns null in a checkout, and when the installed SDK is not the one that the bundle was made with
 */
export async function shippedBundle(): Promise<{ readonly code: string } | null> {
  const code = await readFile(new URL(`../${SHIPPED_BUNDLE}`, import.meta.url), 'utf8').catch(() => null);
  return code?.startsWith(versionLine()) === true ? { code } : null;
}
