import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ENVIRONMENT, NODE_OPTIONS } from '../../scripts/run-entry.mjs';
import { VARIABLE_NAMES } from '../../src/config/variables.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.ts';
import {
  ComposeLoader,
  NoGoError,
  root,
  type ComposeProject,
  type ComposeService,
} from '../fixtures/compose/compose-file.ts';
import { readDockerfile } from '../fixtures/compose/dockerfile.ts';

const loader = await ComposeLoader.build().catch((error: unknown) => {
  // Continuous integration has Go; elsewhere the file is checked by `docker compose` itself.
  if (error instanceof NoGoError && process.env['CI'] === undefined) return null;
  throw error;
});
if (loader === null) console.log('docker-compose.yml is not checked: Go is not on the PATH');

const PRODUCTION = ['docker-compose.yml'];
const SIMULATED = ['docker-compose.yml', 'deploy/compose.simulator.yml'];
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const isOurs = ({ image }: ComposeService): boolean => image.startsWith('tidemark:');
const dockerfile = readDockerfile();

describe.skipIf(loader === null)('docker-compose.yml', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let production: ComposeProject;
  let simulated: ComposeProject;
  let services: [string, ComposeService][];

  const load = (given: NodeJS.ProcessEnv, files: readonly string[]): Promise<ComposeProject> => {
    if (loader === null) throw new Error('no loader');
    return loader.load(given, ...files);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-secrets-'));
    execFileSync('sh', [join(root, 'deploy/make-secrets.sh'), join(folder, 'secrets')], { stdio: 'pipe' });
    env = { TIDEMARK_SECRETS: join(folder, 'secrets') };
    production = await load(env, PRODUCTION);
    simulated = await load(env, SIMULATED);
    services = [...Object.entries(production.services), ...Object.entries(simulated.services)];
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    loader?.close();
  });

  it('has these services, and no others, some of them in profiles', () => {
    const parts = [
      'postgres',
      'temporal-schema',
      'temporal',
      'temporal-namespace',
      'temporal-ui',
      'migrate',
      'worker',
      'push',
      'prometheus',
      'grafana',
    ];
    expect(Object.keys(production.services).toSorted()).toEqual(parts.toSorted());
    const inProfiles = Object.entries(production.services).filter(([, { profiles }]) => profiles.length > 0);
    expect(Object.fromEntries(inProfiles.map(([name, { profiles }]) => [name, profiles]))).toEqual({
      push: ['push'],
      prometheus: ['monitoring'],
      grafana: ['monitoring'],
    });
  });

  it('pins every image, and the images that the Dockerfile builds on', () => {
    for (const [name, { image }] of services) expect(image, name).toMatch(/^[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.]+)?$/);
    for (const { image } of dockerfile.stages) expect(image).toMatch(/^node:\d+\.\d+\.\d+-/);
  });

  describe('secrets', () => {
    it('are required: without their folder the file does not load, and the error says how to make it', async () => {
      await expect(load({}, PRODUCTION)).rejects.toThrow(
        /TIDEMARK_SECRETS is missing a value: run "sh deploy\/make-secrets.sh"/,
      );
    });

    it('are files that deploy/make-secrets.sh makes once and then keeps', () => {
      const made = readdirSync(join(folder, 'secrets'));
      expect(Object.values(production.secrets).map(({ file }) => file)).toEqual(
        expect.arrayContaining(made.map((name) => join(folder, 'secrets', name))),
      );
      expect(Object.keys(production.secrets).toSorted()).toEqual(made.toSorted());
      const contents = (): string[] => made.map((name) => readFileSync(join(folder, 'secrets', name), 'utf8'));
      const before = contents();
      expect(new Set(before).size).toBe(made.length);
      for (const secret of before) expect(secret).toMatch(/^\S{40,}$/);
      execFileSync('sh', [join(root, 'deploy/make-secrets.sh'), join(folder, 'secrets')], { stdio: 'pipe' });
      expect(contents()).toEqual(before);
      expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
    });

    it.each([
      ['absolute', (name: string) => join(folder, name)],
      ['relative', (name: string) => `./${name}`],
    ])('are in a folder that deploy/make-secrets.sh names for .env: one whose path is %s', (kind, named) => {
      const given = kind === 'absolute' ? named(kind) : kind;
      const said = execFileSync('sh', [join(root, 'deploy/make-secrets.sh'), given], { cwd: folder, encoding: 'utf8' });
      expect(said).toContain(`TIDEMARK_SECRETS=${named(kind)}\n`);
    });

    it('are in no variable and no default: variables name their files, or pass on what is set outside', () => {
      for (const [name, { environment, secrets }] of services) {
        const targets = secrets.map(({ target }) => target);
        const given = Object.entries(environment).filter(
          ([variable, value]) => /PASSWORD|SECRET|KEY|PWD|TOKEN(?!_URL)/.test(variable) && value !== null,
        );
        for (const [variable, value] of given) expect(targets, `${name} ${variable}`).toContain(value);
      }
      expect(text('docker-compose.yml')).not.toMatch(/:-[^}]*(password|secret)[^}]*\}/i);
      expect(text('docker-compose.yml')).not.toMatch(/postgres:\/\/\w+:/);
    });

    it('are given to exactly the services that use them', () => {
      for (const [name, { secrets, environment, command }] of Object.entries(production.services)) {
        const used = [...Object.values(environment), ...(command ?? [])].flatMap(
          (value) => value?.match(/\/run\/secrets\/\w+/g) ?? [],
        );
        expect(secrets.map(({ target }) => target).toSorted(), name).toEqual([...new Set(used)].toSorted());
      }
    });
  });

  describe('the start order', () => {
    const before = (project: ComposeProject, name: string, seen = new Set<string>()): Set<string> => {
      for (const dependency of Object.keys(project.services[name]?.depends_on ?? {})) {
        if (seen.has(dependency)) continue;
        seen.add(dependency);
        before(project, dependency, seen);
      }
      return seen;
    };

    it('has no circle, and waits only for services that report that they are ready or done', () => {
      for (const project of [production, simulated]) {
        for (const [name, { depends_on }] of Object.entries(project.services)) {
          expect(before(project, name), name).not.toContain(name);
          for (const [dependency, { condition }] of Object.entries(depends_on)) {
            const target = project.services[dependency];
            const label = `${name} after ${dependency}`;
            expect(target, label).toBeDefined();
            const canReport = {
              service_healthy: target?.healthcheck?.test !== undefined,
              service_completed_successfully: target?.restart === 'on-failure:10',
              service_started: false,
            };
            expect(canReport[condition], label).toBe(true);
          }
        }
      }
    });

    it('has each service after those that it names', () => {
      for (const project of [production, simulated]) {
        for (const [name, { environment, command }] of Object.entries(project.services)) {
          const hosts = Object.entries(environment).map(([variable, value]) =>
            /(HOST|SEEDS)$/.test(variable) ? `${value}:` : value,
          );
          const said = [...hosts, ...(command ?? [])].join(' ');
          const named = Object.keys(project.services).filter(
            (other) => other !== name && new RegExp(`(^|[\\s@/])${other}:`).test(said),
          );
          // A worker waits for Gmail by itself, simulated or not.
          for (const other of named.filter((candidate) => candidate !== 'simulator'))
            expect(before(project, name), `${name} names ${other}`).toContain(other);
        }
      }
    });

    it('has workers and the push endpoint after schema, namespace and search attributes', () => {
      const namespace = { 'temporal-namespace': { condition: 'service_completed_successfully' } };
      expect(production.services['worker']?.depends_on).toEqual({
        ...namespace,
        migrate: { condition: 'service_completed_successfully' },
      });
      expect(production.services['push']?.depends_on).toEqual(namespace);
      for (const name of ['worker', 'push'])
        expect([...before(production, name)]).toEqual(
          expect.arrayContaining(['postgres', 'temporal-schema', 'temporal']),
        );
    });
  });

  describe('variables', () => {
    it('of our services are variables that Tidemark reads', () => {
      const known = new Set<string>(VARIABLE_NAMES);
      for (const [name, service] of services.filter(([, candidate]) => isOurs(candidate))) {
        const names = Object.keys({ ...dockerfile.environment, ...service.environment }).filter(
          (variable) => !(variable in { ...ENVIRONMENT, NODE_ENV: '', NODE_OPTIONS: '' }),
        );
        const unknown = names.filter((variable) => !known.has(variable) && !variable.startsWith('TEMPORAL_'));
        expect(unknown, name).toEqual([]);
      }
    });

    it('of the file itself are exactly those in .env.example', () => {
      const used = new Set([...text('docker-compose.yml').matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name ?? ''));
      // Passed on by their bare names.
      for (const { environment } of Object.values(production.services)) {
        for (const [name, value] of Object.entries(environment)) if (value === null) used.add(name);
      }
      const documented = [...text('.env.example').matchAll(/^(?:# )?([A-Z]\w+)=/gm)].map(([, name]) => name ?? '');
      expect(documented.filter((name) => name !== 'COMPOSE_PROFILES').toSorted()).toEqual([...used].toSorted());
    });

    it('that are not set are not passed on as empty ones', () => {
      expect(production.services['worker']?.environment).toMatchObject({
        TEMPORAL_API_KEY: null,
        TIDEMARK_BUILD_ID: null,
      });
    });
  });

  describe('ports', () => {
    const asked = (words: readonly string[] | undefined): string =>
      /127\.0\.0\.1:(\d+)/.exec((words ?? []).join(' '))?.[1] ?? 'none';

    it('in health checks are those that the services listen on', () => {
      const image = dockerfile.stages.at(-1)?.instructions.find(({ name }) => name === 'HEALTHCHECK')?.text;
      expect(dockerfile.environment['HEALTH_ADDRESS']).toBe(`0.0.0.0:${asked([image ?? ''])}`);
      const { push } = production.services;
      expect(push?.command).toEqual(['push', '--port', asked(push?.healthcheck?.test)]);
      expect(push?.ports).toMatchObject([{ target: Number(asked(push?.healthcheck?.test)) }]);
      const { simulator } = simulated.services;
      expect(simulator?.command?.join(' ')).toContain(`--port ${asked(simulator?.healthcheck?.test)} `);
      // The default of FRONTEND_HTTP_PORT.
      expect(asked(production.services['temporal']?.healthcheck?.test)).toBe('7243');
    });

    it('that Prometheus and Grafana ask are those where the services answer', () => {
      const config = text('deploy/prometheus/prometheus.yml');
      const found = [...config.matchAll(/names: \[([\w-]+)\], type: A, port: (\d+)/g)].map(([, name, port]) => [
        name,
        port,
      ]);
      const port = /:(\d+)$/.exec(dockerfile.environment['METRICS_ADDRESS'] ?? '')?.[1];
      expect(found).toEqual([
        ['worker', port],
        ['push', port],
      ]);
      const temporal = /targets: \['temporal:(\d+)'\]/.exec(config)?.[1];
      expect(production.services['temporal']?.environment['PROMETHEUS_ENDPOINT']).toBe(`0.0.0.0:${temporal}`);
      expect(text('deploy/grafana/provisioning/datasources/prometheus.yml')).toContain(
        `url: 'http://prometheus:${asked(production.services['prometheus']?.healthcheck?.test)}'`,
      );
    });

    it('are open to this machine only, and a service that can be scaled opens none', () => {
      for (const [name, { ports, container_name }] of services) {
        for (const { host_ip } of ports) expect(host_ip, name).toBe('127.0.0.1');
        expect(container_name).toBeUndefined();
      }
      expect(production.services['worker']).toMatchObject({ ports: [], deploy: { replicas: 2 } });
    });

    it('of PostgreSQL and Temporal are the same wherever they are named', () => {
      expect(text('docker-compose.yml').match(/postgres:\d{4}/g)).toEqual(['postgres:5432']);
      expect(new Set(text('docker-compose.yml').match(/\btemporal:\d+/g))).toEqual(new Set(['temporal:7233']));
      for (const name of ['temporal-schema', 'temporal'])
        expect(Object.values(production.services[name]?.environment ?? {})).toContain('5432');
    });
  });

  describe('containers', () => {
    it('of ours run without privileges over a read-only file system, and cannot gain any', () => {
      for (const [name, service] of Object.entries(production.services).filter(([, candidate]) => isOurs(candidate))) {
        expect(service, name).toMatchObject({
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
        });
        expect(service.user, name).toBeUndefined();
      }
      expect(dockerfile.stages.at(-1)?.instructions).toContainEqual({ name: 'USER', text: 'node' });
    });

    it('of other images cannot gain privileges either', () => {
      for (const [name, service] of services)
        expect(service, name).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    });

    it('of worker and push get more time to stop than they need', () => {
      // docs/commands.md: SIGTERM drains a worker within 10 seconds.
      for (const [name, service] of services.filter(([key]) => key === 'worker' || key === 'push'))
        expect(Number.parseInt(service.stop_grace_period ?? '0', 10), name).toBeGreaterThanOrEqual(20);
    });

    it('mount files of the repository, read-only, and keep what must last in named volumes', () => {
      for (const [name, { volumes }] of services) {
        for (const { type, source, target, read_only } of volumes) {
          const isGood = type === 'bind' ? read_only && existsSync(source) : source in simulated.volumes;
          expect(isGood, `${name} ${target}`).toBe(true);
        }
      }
      expect(production.services['postgres']?.volumes.map(({ type }) => type)).toContain('volume');
    });

    it('have the programs and files that their commands name', () => {
      expect(existsSync(join(root, 'deploy/temporal/schema.sh'))).toBe(true);
      for (const [, { command, volumes }] of Object.entries(production.services)) {
        for (const file of (command ?? []).flatMap((word) => word.match(/\/deploy\/[\w.-]+/g) ?? [])) {
          const mount = volumes.find(({ target }) => target === '/deploy');
          expect(existsSync(join(mount?.source ?? '', file.slice('/deploy/'.length))), file).toBe(true);
        }
      }
    });
  });

  it('registers the search attributes that the workflow sets', () => {
    const registered = [...text('deploy/temporal/namespace.sh').matchAll(/--name (\w+) --type (\w+)/g)].map(
      ([, name, type]) => ({ name, type: type?.toUpperCase() }),
    );
    expect(registered).toEqual(SEARCH_ATTRIBUTES.map(({ name, type }) => ({ name, type })));
  });

  it('builds an image with the Node of this project, and the settings that all programs start with', () => {
    const node = (JSON.parse(text('package.json')) as { devDependencies: Record<string, string> }).devDependencies[
      'node'
    ];
    expect(dockerfile.args['NODE_IMAGE']).toMatch(new RegExp(`^node:${node}-`));
    expect(dockerfile.environment).toMatchObject({ ...ENVIRONMENT, NODE_OPTIONS: NODE_OPTIONS.join(' ') });
  });
});
