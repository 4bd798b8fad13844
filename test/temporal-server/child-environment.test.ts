import { describe, expect, it } from 'vitest';

import { childEnvironment } from '../../src/temporal/dev-server/child-environment.ts';
import { runCommand } from '../../src/temporal/dev-server/run-command.ts';

const SECRETS = {
  TIDEMARK_SECRET_KEY: 'planted',
  TIDEMARK_PAYLOAD_KEY: 'planted',
  TIDEMARK_SECRET_KEY_COMMAND: 'planted',
  DATABASE_URL: 'postgres://u:planted@h/d',
  PGPASSWORD: 'planted',
  AWS_SECRET_ACCESS_KEY: 'planted',
  GOOGLE_APPLICATION_CREDENTIALS: 'planted',
  GOOGLE_TOKEN_URL: 'planted',
  GMAIL_ROOT_URL: 'planted',
  TEMPORAL_API_KEY: 'planted',
  TEMPORAL_ADDRESS: 'planted',
  GITHUB_TOKEN: 'planted',
  NPM_TOKEN: 'planted',
  OTEL_EXPORTER_OTLP_HEADERS: 'planted',
  MY_OWN_PASSWORD: 'planted',
};
const PLAIN = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/home/ada',
  LANG: 'de_DE.UTF-8',
  LC_ALL: 'C',
  XDG_CACHE_HOME: '/c',
  TMPDIR: '/t',
  GOMEMLIMIT: '1GiB',
};
const SOURCES = {
  https_proxy: 'http://proxy:1',
  NO_PROXY: 'localhost',
  SSL_CERT_FILE: '/ca.pem',
  PIP_INDEX_URL: 'https://mirror',
  GOPROXY: 'off',
  GO111MODULE: 'on',
  CGO_ENABLED: '0',
  NODE_EXTRA_CA_CERTS: '/ca.pem',
};

describe("the environment of other people's programs", () => {
  it('has only what a program needs to run and, for a download, what it needs to reach its sources', () => {
    expect(childEnvironment({ ...SECRETS, ...PLAIN, ...SOURCES }, 'program')).toEqual(PLAIN);
    expect(childEnvironment({ ...SECRETS, ...PLAIN, ...SOURCES }, 'download')).toEqual({ ...PLAIN, ...SOURCES });
  });

  it.skipIf(process.platform === 'win32')('is all that a command gets', async () => {
    const printed = await runCommand('sh', ['-c', 'env'], { env: { ...SECRETS, ...PLAIN }, timeout: 10_000 });
    expect(printed).toContain('HOME=/home/ada');
    expect(printed).not.toContain('planted');
  });
});
