import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Config, ConfigError, loadConfig } from '../../src/config/config.ts';
import { priceTableOf } from '../../src/config/quota-variables.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { Secret } from '../../src/model/secret.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'tidemark-config-'));
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

/** Temporal's own configuration file is searched under HOME: an empty one keeps the tester's file out. */
const load = (env: NodeJS.ProcessEnv = {}): Config =>
  loadConfig({ env: { HOME: cwd, XDG_CONFIG_HOME: cwd, ...env }, cwd });

function errorOf(env: NodeJS.ProcessEnv): ConfigError {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  it('needs no variable', () => {
    expect(load()).toEqual({
      dataDir: join(cwd, '.tidemark'),
      database: {
        location: { kind: 'sqlite', path: join(cwd, '.tidemark', 'tidemark.sqlite') },
        access: { passwordFile: null, caFile: null, poolSize: 10 },
        migration: 'automatic',
        changesKept: null,
      },
      bodies: {
        url: null,
        over: 65_536,
        sweepGrace: 3_600_000,
        goneGrace: 86_400_000,
        s3: { endpoint: null, region: null },
      },
      gmailRootUrl: 'https://gmail.googleapis.com',
      googleTokenUrl: 'https://oauth2.googleapis.com/token',
      googleAdminUrl: 'https://admin.googleapis.com',
      googleAuthUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
      secrets: {
        credentialKeys: { kind: 'own-file', variable: 'TIDEMARK_SECRET_KEY', old: new Secret([]) },
        payloadKeys: null,
      },
      quota: {
        prices: '2026',
        units: PRICE_TABLES['2026'].units,
        userUnitsPerMinute: 6_000,
        projectUnitsPerMinute: 1_200_000,
        projectUnitsPerDay: 80_000_000,
        requestPrices: null,
        next: null,
        userShare: 1,
      },
      deployment: { name: 'tidemark', buildId: null, workflowBundle: null },
      telemetry: { metricsAddress: null, metricsInterval: 15_000, healthAddress: null },
      tracing: { isOn: false, protocol: 'http/protobuf' },
      push: {
        topic: null,
        audience: null,
        serviceAccount: null,
        subscription: null,
        keysUrl: 'https://www.googleapis.com/oauth2/v3/certs',
        tlsCertFile: null,
        tlsKeyFile: null,
      },
      webhooks: { allowedNetworks: [] },
      logLevel: 'info',
      temporal: { address: null, namespace: 'default', options: {} },
      taskQueue: 'tidemark',
    });
  });

  it('takes an empty variable for unset', () => {
    expect(
      load({ DATABASE_URL: '', GMAIL_ROOT_URL: '', LOG_LEVEL: '', TIDEMARK_SECRET_KEY: '', TIDEMARK_DATA_DIR: '' }),
    ).toEqual(load());
  });

  it('cannot be changed', () => {
    const config = load();
    for (const part of [config, config.database, config.bodies, config.quota, config.push, config.temporal])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('puts the database into the data directory by default', () => {
    expect(load({ TIDEMARK_DATA_DIR: '/var/lib/tidemark' }).database.location).toMatchObject({
      path: '/var/lib/tidemark/tidemark.sqlite',
    });
  });

  it.each([
    ['sqlite:mail.sqlite', 'mail.sqlite'],
    ['sqlite:./data/mail.sqlite', 'data/mail.sqlite'],
    ['sqlite:/var/mail.sqlite', '/var/mail.sqlite'],
    ['sqlite:///var/mail.sqlite', '/var/mail.sqlite'],
  ])('reads the database address %s', (url, path) => {
    expect(load({ DATABASE_URL: url }).database.location).toMatchObject({
      kind: 'sqlite',
      path: path.startsWith('/') ? path : join(cwd, path),
    });
  });

  it('reads where large bodies are', () => {
    expect(load({ BODIES_URL: 'file:mail/bodies', BODIES_OVER: '0' }).bodies).toMatchObject({
      url: `file:${join(cwd, 'mail/bodies')}`,
      over: 0,
    });
    expect(load({ BODIES_SWEEP_GRACE: '14d' }).bodies.sweepGrace).toBe(14 * 86_400_000);
    expect(load({ BODIES_SWEEP_GRACE: 'never' }).bodies.sweepGrace).toBeNull();
    expect(load({ CHANGES_KEPT: '90d' }).database.changesKept).toBe(90 * 86_400_000);
    expect(load({ BODIES_GONE_GRACE: '7d' }).bodies.goneGrace).toBe(7 * 86_400_000);
    expect(load({ BODIES_GONE_GRACE: 'never' }).bodies.goneGrace).toBeNull();
    expect(load({ BODIES_URL: 'file:///srv/bodies' }).bodies.url).toBe('file:/srv/bodies');
    expect(
      load({
        BODIES_URL: 's3://mail-bodies/tidemark/',
        S3_ENDPOINT: 'https://s3.example.com',
        AWS_REGION: 'eu-central-1',
      }).bodies,
    ).toEqual({
      url: 's3://mail-bodies/tidemark',
      over: 65_536,
      sweepGrace: 3_600_000,
      goneGrace: 86_400_000,
      s3: { endpoint: 'https://s3.example.com', region: 'eu-central-1' },
    });
  });

  it('reads an address of PostgreSQL, and shows its password to no log', () => {
    const { database } = load({
      DATABASE_URL: 'postgres://mail:hunter%402@db.internal/tidemark?sslmode=verify-full',
      DATABASE_CA_FILE: 'ca.pem',
      DATABASE_POOL_SIZE: '25',
      DATABASE_AUTO_MIGRATE: 'false',
    });
    expect(database).toEqual({
      location: {
        kind: 'postgres',
        url: 'postgres://mail@db.internal/tidemark?sslmode=verify-full',
        password: expect.any(Secret),
        passwordFile: null,
        caFile: join(cwd, 'ca.pem'),
        poolSize: 25,
      },
      access: { passwordFile: null, caFile: join(cwd, 'ca.pem'), poolSize: 25 },
      migration: 'manual',
      changesKept: null,
    });
    expect(database.location.kind === 'postgres' && database.location.password?.reveal()).toBe('hunter@2');
    expect(JSON.stringify(database)).not.toContain('hunter');
    expect(Object.isFrozen(database)).toBe(true);
  });

  it.each([
    'postgresql://mail@db/tidemark',
    'postgres://db:6432/tidemark',
    'postgres:///tidemark?host=/var/run/postgresql',
    'postgres://[::1]/tidemark?sslmode=disable',
  ])('takes %s for an address of PostgreSQL', (url) => {
    expect(load({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: '/run/secrets/database' }).database).toMatchObject({
      location: { kind: 'postgres', url, passwordFile: '/run/secrets/database', poolSize: 10 },
      migration: 'automatic',
      changesKept: null,
    });
  });

  it('takes the limits from the chosen price table, and each limit by itself', () => {
    expect(load({ GMAIL_QUOTA_PRICES: '2025', GMAIL_PROJECT_UNITS_PER_MINUTE: '90000' }).quota).toEqual({
      prices: '2025',
      units: PRICE_TABLES['2025'].units,
      userUnitsPerMinute: 15_000,
      projectUnitsPerMinute: 90_000,
      projectUnitsPerDay: null,
      requestPrices: null,
      next: {
        at: Date.parse('2027-04-01T00:00:00-07:00'),
        prices: { ...PRICE_TABLES['2026'], projectUnitsPerMinute: 90_000 },
      },
      userShare: 1,
    });
    expect(load({}).quota.next).toBeNull();
    expect(load({ GMAIL_QUOTA_PRICES: '2025', GMAIL_QUOTA_PRICES_END: '2027-01-01T00:00:00Z' }).quota.next?.at).toBe(
      Date.UTC(2027, 0, 1),
    );
  });

  it('has the prices of a moment: those of 2026 from the end of 2025 on, also for who holds the table', () => {
    const { next, ...config } = load({ GMAIL_QUOTA_PRICES: '2025' }).quota;
    const clock = { now: () => at };
    let at = (next?.at ?? 0) - 1;
    const table = priceTableOf({ quota: { ...config, next } }, clock);
    expect({ ...table }).toEqual(PRICE_TABLES['2025']);
    at += 1;
    expect({ ...table }).toEqual(PRICE_TABLES['2026']);
  });

  it('takes from the price file what requests cost', () => {
    const requestPrices = { currency: 'USD', per1000: { 'threads.get': 0.25 } };
    writeFileSync(join(cwd, 'costs.json'), JSON.stringify({ requestPrices }));
    expect(load({ GMAIL_PRICES_FILE: 'costs.json' }).quota).toMatchObject({ ...PRICE_TABLES['2026'], requestPrices });
    writeFileSync(join(cwd, 'costs.json'), JSON.stringify({ requestPrices: { per1000: { 'threads.gone': 1 } } }));
    expect(() => load({ GMAIL_PRICES_FILE: 'costs.json' })).toThrow(/GMAIL_PRICES_FILE/);
  });

  it('takes prices from a file over the table, and single values over the file', () => {
    writeFileSync(
      join(cwd, 'prices.json'),
      JSON.stringify({
        source: 'our contract',
        units: { 'messages.get': 9, 'threads.get': 18 },
        userUnitsPerMinute: 700,
        projectUnitsPerDay: 9_000_000,
      }),
    );
    expect(
      load({
        GMAIL_PRICES_FILE: 'prices.json',
        GMAIL_METHOD_UNITS: 'threads.get=11 history.list=3',
        GMAIL_QUOTA_PRICES: '2025',
      }).quota,
    ).toMatchObject({
      units: { ...PRICE_TABLES['2025'].units, 'messages.get': 9, 'threads.get': 11, 'history.list': 3 },
      userUnitsPerMinute: 700,
      projectUnitsPerMinute: 1_200_000,
      projectUnitsPerDay: 9_000_000,
    });
    expect(
      load({ GMAIL_PRICES_FILE: 'prices.json', GMAIL_USER_UNITS_PER_MINUTE: '800' }).quota.userUnitsPerMinute,
    ).toBe(800);
  });

  it.each([
    ['{"units":{"messages.gett":20}}', 'units'],
    ['{"units":{"messages.get":-1}}', 'units.messages.get'],
    ['{"userUnits":5}', 'userUnits'],
    ['{', 'it is not JSON'],
  ])('says what is wrong with the prices file %s', (text, words) => {
    writeFileSync(join(cwd, 'prices.json'), text);
    const { message } = errorOf({ GMAIL_PRICES_FILE: 'prices.json' });
    expect(message).toContain('GMAIL_PRICES_FILE is "prices.json" (');
    expect(message).toContain(words);
    expect(message).toContain('for example');
  });

  it('says so when there is no prices file', () => {
    expect(errorOf({ GMAIL_PRICES_FILE: 'none.json' }).message).toContain(
      'GMAIL_PRICES_FILE is "none.json" (there is no such file)',
    );
  });

  it('points Gmail and the token endpoint at any server', () => {
    const config = load({ GMAIL_ROOT_URL: 'http://127.0.0.1:8025/', GOOGLE_TOKEN_URL: 'http://localhost:8025/token' });
    expect(config.gmailRootUrl).toBe('http://127.0.0.1:8025');
    expect(config.googleTokenUrl).toBe('http://localhost:8025/token');
  });

  it('takes an empty build id as not set, so that Compose can pass it on', () => {
    expect(
      load({ TIDEMARK_DEPLOYMENT: 'mail', TIDEMARK_BUILD_ID: '', TIDEMARK_WORKFLOW_BUNDLE: 'workflows.js' }).deployment,
    ).toEqual({
      name: 'mail',
      buildId: null,
      workflowBundle: join(cwd, 'workflows.js'),
    });
  });

  it('reads the key and shows it to no log', () => {
    const key = Buffer.alloc(32, 7);
    const config = load({ TIDEMARK_SECRET_KEY: key.toString('base64') });
    const source = config.secrets.credentialKeys;
    expect(source.kind === 'value' && source.key.reveal()).toEqual(new Uint8Array(key));
    for (const shown of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      JSON.stringify({ ...source }),
    ]) {
      expect(shown).not.toContain('BwcHBw');
      expect(shown).not.toMatch(/7, *7/);
    }
  });

  it('takes the key from a file or a command as well, and former keys beside it', () => {
    const old = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const config = load({
      TIDEMARK_SECRET_KEY_FILE: 'keys/current',
      TIDEMARK_OLD_SECRET_KEYS: old.map((key) => key.toString('base64')).join(', '),
    });
    expect(config.secrets.credentialKeys).toMatchObject({ kind: 'file', path: join(cwd, 'keys/current') });
    expect(config.secrets.credentialKeys.old.reveal()).toEqual(old.map((key) => new Uint8Array(key)));
    expect(load({ TIDEMARK_PAYLOAD_KEY_COMMAND: 'print-key' }).secrets.payloadKeys).toMatchObject({
      kind: 'command',
      variable: 'TIDEMARK_PAYLOAD_KEY',
    });
  });
});

describe('a wrong value', () => {
  it.each([
    ['DATABASE_URL', 'mysql://db', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'sqlite:', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'sqlite::memory:', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'postgres://db', 'postgres://USER@HOST/DATABASE'],
    ['DATABASE_URL', 'postgres://db/mail?sslmode=prefer', 'verify-ca or verify-full'],
    ['DATABASE_POOL_SIZE', '1', 'for example 10'],
    ['DATABASE_AUTO_MIGRATE', 'no', 'for example false'],
    ['CHANGES_KEPT', '5m', 'at least 1h, or never, for example 90d'],
    ['BODIES_URL', 'https://bucket', 's3://mail-bodies/tidemark'],
    ['BODIES_URL', 's3://', 'file:/var/lib/tidemark/bodies'],
    ['BODIES_OVER', '64k', 'for example 65536'],
    ['BODIES_SWEEP_GRACE', '2 weeks', 'never, for example 7d'],
    ['BODIES_GONE_GRACE', '2 weeks', 'never, for example 7d'],
    ['S3_ENDPOINT', 'minio:9000', 'https://s3.example.com'],
    ['GMAIL_ROOT_URL', 'gmail', 'https://gmail.googleapis.com'],
    ['GOOGLE_TOKEN_URL', 'ftp://example.com', 'https://oauth2.googleapis.com/token'],
    ['GMAIL_QUOTA_PRICES', '2024', 'one of 2026, 2025'],
    ['GMAIL_QUOTA_PRICES_END', 'in spring', 'the time at which Google ends'],
    ['GMAIL_USER_UNITS_PER_MINUTE', '0', 'above 0'],
    ['GMAIL_USER_UNITS_PER_MINUTE', '1e3', 'for example 6000'],
    ['GMAIL_PROJECT_UNITS_PER_MINUTE', '-5', 'for example 1200000'],
    ['GMAIL_METHOD_UNITS', 'messages.gett=20', 'for example messages.get=20'],
    ['GMAIL_METHOD_UNITS', 'messages.get', 'for example messages.get=20'],
    ['GMAIL_METHOD_UNITS', 'messages.get=0', 'for example messages.get=20'],
    ['GMAIL_PROJECT_UNITS_PER_DAY', '0', 'for example 80000000'],
    ['GMAIL_USER_SHARE', '1.5', 'for example 0.8'],
    ['GMAIL_USER_SHARE', '0', 'for example 0.8'],
    ['TIDEMARK_DEPLOYMENT', 'mail.eu', 'for example tidemark'],
    ['TIDEMARK_DEPLOYMENT', '__mail', 'for example tidemark'],
    ['TIDEMARK_BUILD_ID', 'v 1', 'for example v1.2.0'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
  ])('of %s ("%s") is named with what was expected', (name, value, expected) => {
    const error = errorOf({ [name]: value });
    expect(error.problems).toHaveLength(1);
    expect(error.message).toContain(`${name} is "${value}": expected `);
    expect(error.message).toContain(expected);
    expect(error.message).toContain('for example');
  });

  it('does not hide the others', () => {
    expect(
      errorOf({ LOG_LEVEL: 'loud', DATABASE_URL: 'x', GMAIL_QUOTA_PRICES: '1' }).problems.map(
        (problem) => problem.name,
      ),
    ).toEqual(['DATABASE_URL', 'GMAIL_QUOTA_PRICES', 'LOG_LEVEL']);
  });

  it('of the key is not shown, only its length', () => {
    const error = errorOf({ TIDEMARK_SECRET_KEY: 'c2hvcnQ=' });
    expect(error.message).toContain('TIDEMARK_SECRET_KEY is a text of 8 characters: expected 32 bytes in base64');
    expect(error.message).not.toContain('c2hvcnQ=');
  });

  it('of former keys is not shown either, nor is one key where two places name it', () => {
    expect(errorOf({ TIDEMARK_OLD_SECRET_KEYS: 'c2hvcnQ=' }).message).not.toContain('c2hvcnQ=');
    const error = errorOf({
      TIDEMARK_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      TIDEMARK_SECRET_KEY_COMMAND: 'print hunter2',
    });
    expect(error.message).toContain('TIDEMARK_SECRET_KEY_COMMAND is set beside TIDEMARK_SECRET_KEY: expected one of');
    expect(error.message).not.toMatch(/hunter2|BwcHBw/);
  });

  it('is shown without the password within it', () => {
    const error = errorOf({ DATABASE_URL: 'mysql://me:hunter2@db/mail' });
    expect(error.message).toContain('"mysql://…@db/mail"');
    expect(error.message).not.toContain('hunter2');
    for (const url of ['postgres://me:hun/ter2@db', 'postgres://me@db/mail?password=hunter2'])
      expect(errorOf({ DATABASE_URL: url }).message).not.toMatch(/ter2/);
  });
});

describe('the way to Temporal', () => {
  it("is read as Temporal's own tools read it", () => {
    expect(load({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_NAMESPACE: 'mail' }).temporal).toMatchObject({
      address: 'temporal:7233',
      namespace: 'mail',
    });
  });

  it('stays without TLS when the API key is empty, as compose files pass it on', () => {
    expect(load({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_API_KEY: '' }).temporal.options).toEqual({});
    expect(load({ TEMPORAL_API_KEY: 'k' }).temporal.options).toMatchObject({ apiKey: 'k', tls: true });
  });

  it('comes from a configuration file too, and a broken one is reported with the other wrong values', () => {
    const file = join(cwd, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "from-file:7233"\n');
    expect(load({ TEMPORAL_CONFIG_FILE: file }).temporal.address).toBe('from-file:7233');
    writeFileSync(file, 'not toml');
    const error = errorOf({ TEMPORAL_CONFIG_FILE: file, LOG_LEVEL: 'loud' });
    expect(error.problems.map((problem) => problem.name)).toEqual(['LOG_LEVEL', 'TEMPORAL_*']);
  });
});
