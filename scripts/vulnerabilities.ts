// npm run vulnerabilities: asks npm's registry which packages of package-lock.json have known vulnerabilities. Exits
// with 1 when one has. Without a network, or where the registry gives no advisories, it says so and exits with 0.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Finding {
  readonly name: string;
  readonly severity: string;
  readonly titles: readonly string[];
}

/** What npm's report finds; null when the output is not a report, because npm got no advisories. */
function findingsIn(output: string): readonly Finding[] | null {
  const report = objectOf(parsed(output));
  const vulnerabilities = report['vulnerabilities'];
  if (report['auditReportVersion'] === undefined || vulnerabilities === undefined) return null;
  return Object.entries(objectOf(vulnerabilities)).map(([name, entry]) => {
    const { severity, via } = objectOf(entry);
    // A package that is vulnerable through another one names only that one.
    const reasons = Array.isArray(via)
      ? via.map((one) => (typeof one === 'string' ? `through ${one}` : titleOf(one)))
      : [];
    return { name, severity: String(severity), titles: [...new Set(reasons)] };
  });
}

function titleOf(advisory: unknown): string {
  const { title, url } = objectOf(advisory);
  return [title, url].filter((text) => typeof text === 'string').join(' ');
}

/** Why npm has no report, in its own words. */
function reasonIn(output: string): string {
  const { message, error } = objectOf(parsed(output));
  const words = [message, objectOf(error)['summary'], objectOf(error)['code']]
    .filter((text) => typeof text === 'string')
    .find((text) => text !== '');
  // The registry's address says where this machine gets its packages: it is not printed.
  return (words ?? 'npm gave no report').replaceAll(/https?:\/\/\S+/g, 'the registry');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const { stdout } = spawnSync(
  'npm',
  ['audit', '--package-lock-only', '--json', '--fetch-retries=0', '--fetch-timeout=30000'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  },
);
const findings = findingsIn(stdout ?? '');
if (findings === null) {
  console.log(`Known vulnerabilities: not checked, since npm got no advisories (${reasonIn(stdout ?? '')}).`);
} else if (findings.length === 0) {
  console.log('Known vulnerabilities: none in the packages of package-lock.json.');
} else {
  console.log(`Known vulnerabilities: ${findings.length} packages of package-lock.json.`);
  for (const { name, severity, titles } of findings) console.log(`  ${name} (${severity}): ${titles.join('; ')}`);
  console.log('Upgrade what has a fixed version, in package.json: npm audit names the version.');
  process.exitCode = 1;
}
