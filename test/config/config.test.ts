import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { priceTableOf } from '../../src/config/quota-variables.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import { Secret } from '../../src/model/secret.ts';
import { useConfigFolder } from './config-folder.ts';

const { load, errorOf, folder } = useConfigFolder();

describe('the configuration', () => {
  it('needs no variable', () => {
    expect(load()).toEqual({
      dataDir: join(folder(), '.tidemark'),
      database: {
        location: { kind: 'sqlite', path: join(folder(), '.tidemark', 'tidemark.sqlite') },
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
      deployment: { name: 'tidemark', buildId: null, workflowBundle: null, cachedMailboxes: null },
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

  it('treats an empty variable as unset', () => {
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
      path: path.startsWith('/') ? path : join(folder(), path),
    });
  });

  it('reads where large bodies are, and how long bodies and changes are kept', () => {
    expect(load({ BODIES_URL: 'file:mail/bodies', BODIES_OVER: '0' }).bodies).toMatchObject({
      url: `file:${join(folder(), 'mail/bodies')}`,
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

  it('reads an address of PostgreSQL, and never shows its password', () => {
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
        caFile: join(folder(), 'ca.pem'),
        poolSize: 25,
      },
      access: { passwordFile: null, caFile: join(folder(), 'ca.pem'), poolSize: 25 },
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
  ])('accepts %s as an address of PostgreSQL', (url) => {
    expect(load({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: '/run/secrets/database' }).database).toMatchObject({
      location: { kind: 'postgres', url, passwordFile: '/run/secrets/database', poolSize: 10 },
      migration: 'automatic',
      changesKept: null,
    });
  });

  it.each([
    [
      'postgres://mail:hunter2@db/tidemark?connect_timeout=3',
      'it has a parameter "connect_timeout", which Tidemark does',
    ],
    ['postgres://mail:hunter2@db', 'it names no database'],
  ])('says what is wrong with %s', (url, trouble) => {
    expect(() => load({ DATABASE_URL: url })).toThrow(`@db`);
    expect(() => load({ DATABASE_URL: url })).toThrow(` (${trouble}`);
    expect(() => load({ DATABASE_URL: url })).not.toThrow('hunter2');
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

  it('switches to the prices of 2026 when those of 2025 end, also in a table that was handed out before', () => {
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
    writeFileSync(join(folder(), 'costs.json'), JSON.stringify({ requestPrices }));
    expect(load({ GMAIL_PRICES_FILE: 'costs.json' }).quota).toMatchObject({ ...PRICE_TABLES['2026'], requestPrices });
    writeFileSync(join(folder(), 'costs.json'), JSON.stringify({ requestPrices: { per1000: { 'threads.gone': 1 } } }));
    expect(() => load({ GMAIL_PRICES_FILE: 'costs.json' })).toThrow(/GMAIL_PRICES_FILE/);
  });

  it('prefers prices of a file to the table, and variables for single values to the file', () => {
    writeFileSync(
      join(folder(), 'prices.json'),
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
    writeFileSync(join(folder(), 'prices.json'), text);
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
      load({
        TIDEMARK_DEPLOYMENT: 'mail',
        TIDEMARK_BUILD_ID: '',
        TIDEMARK_WORKFLOW_BUNDLE: 'workflows.js',
        TIDEMARK_CACHED_MAILBOXES: '5000',
      }).deployment,
    ).toEqual({
      name: 'mail',
      buildId: null,
      workflowBundle: join(folder(), 'workflows.js'),
      cachedMailboxes: 5_000,
    });
  });

  it('reads the key, and never shows it', () => {
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

  it('takes the key from a file or a command as well, and former keys from a variable', () => {
    const old = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const config = load({
      TIDEMARK_SECRET_KEY_FILE: 'keys/current',
      TIDEMARK_OLD_SECRET_KEYS: old.map((key) => key.toString('base64')).join(', '),
    });
    expect(config.secrets.credentialKeys).toMatchObject({ kind: 'file', path: join(folder(), 'keys/current') });
    expect(config.secrets.credentialKeys.old.reveal()).toEqual(old.map((key) => new Uint8Array(key)));
    expect(load({ TIDEMARK_PAYLOAD_KEY_COMMAND: 'print-key' }).secrets.payloadKeys).toMatchObject({
      kind: 'command',
      variable: 'TIDEMARK_PAYLOAD_KEY',
    });
  });
});
