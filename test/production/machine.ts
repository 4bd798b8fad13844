import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ComposeProject, ComposeService } from '../fixtures/compose/compose-file.ts';
import { readDockerfile } from '../fixtures/compose/dockerfile.ts';
import { postgresCommand } from './postgres-image.ts';
import type { Programs } from './programs.ts';

/** The user `nobody` on every Linux: where the tests run as root, services must not. */
const NOBODY = 65_534;
const AS_USER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : null;
const HEALTHY_WITHIN = 120_000;
const HEALTH_PAUSE = 250;
/** Variables whose value is the bare name of a service. */
const NAMES_A_HOST = /(HOST|SEEDS)$/;

export interface MachineOptions {
  readonly project: ComposeProject;
  readonly programs: Programs;
  /** Every user may enter it; images, volumes and logs are in it. */
  readonly folder: string;
  /** The Tidemark image's `/app`. */
  readonly app: string;
  /** What an operator would write into tidemark.env. */
  readonly tidemarkEnv: Readonly<Record<string, string>>;
}

/** One container of a service: here, a process. */
export class Instance {
  readonly address: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly logFile: string;

  constructor(child: ChildProcess, address: string, logFile: string) {
    this.child = child;
    this.address = address;
    this.logFile = logFile;
    this.ended = once(child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  }

  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** @returns exit code and milliseconds until the end */
  async stop(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly took: number }> {
    const began = performance.now();
    this.child.kill(signal);
    return { code: await this.ended, took: performance.now() - began };
  }
}

/**
 * Runs the services of a Compose project as processes of this machine, with the settings of the file as they are. Each
 * process has its own loopback address, as a container has, so ports stay as they are. Only names of services, paths
 * and the addresses 0.0.0.0 and 127.0.0.1 are translated.
 */
export class Machine {
  readonly #options: MachineOptions;
  readonly #addresses = new Map<string, string>();
  readonly #image = readDockerfile();
  readonly instances = new Map<string, Instance[]>();
  /** Depends on this process, so that two machines at once do not share addresses. */
  readonly #network = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
  #nextAddress = 10;

  constructor(options: MachineOptions) {
    this.#options = options;
    for (const name of Object.keys(options.project.services)) this.#addresses.set(name, this.#newAddress());
  }

  /**
   * Folders and files as the containers find them: secrets without the folder that guards them, volumes that their
   * users may write.
   */
  async prepare(): Promise<void> {
    const { folder, project } = this.#options;
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'secrets'));
    for (const [name, { file = '' }] of Object.entries(project.secrets))
      if (existsSync(file)) await cp(file, join(folder, 'secrets', name));
    for (const name of [...Object.keys(project.volumes), 'tmp', 'logs']) {
      await mkdir(join(folder, name));
      if (AS_USER !== null) await chown(join(folder, name), AS_USER.uid, AS_USER.gid);
    }
    for (const source of this.#binds()) await cp(source, this.#bindPath(source), { recursive: true });
  }

  addressOf(service: string): string {
    const address = this.#addresses.get(service);
    if (address === undefined) throw new Error(`there is no service ${service}`);
    return address;
  }

  /** Starts a service as Compose does: first what it depends on, and the service once that is ready. */
  async up(name: string): Promise<void> {
    if (this.instances.has(name)) return;
    const service = this.#service(name);
    for (const [dependency, { condition }] of Object.entries(service.depends_on)) {
      await this.up(dependency);
      const running = this.instances.get(dependency) ?? [];
      if (condition === 'service_healthy')
        await Promise.all(running.map((instance) => this.healthy(dependency, instance)));
      if (condition === 'service_completed_successfully') await this.#completed(dependency, running);
    }
    for (let replica = 0; replica < (service.deploy?.replicas ?? 1); replica++) this.start(name);
  }

  /** Starts one more process of a service. */
  start(name: string): Instance {
    const running = this.instances.get(name) ?? [];
    this.instances.set(name, running);
    const isAdditional = running.some(({ child }) => child.exitCode === null && child.signalCode === null);
    const address = isAdditional ? this.#newAddress() : this.addressOf(name);
    const service = this.#service(name);
    const words = this.#translated(name, address, this.#commandOf(service));
    const instance = this.#spawn(name, words, this.environmentOf(name, address), address);
    running.push(instance);
    return instance;
  }

  /** Runs a command in a service's environment, as `docker compose run` does. */
  async run(name: string, ...command: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const address = this.#newAddress();
    const [program = '', ...args] = this.#translated(name, address, command);
    const child = spawn(program, args, {
      env: this.environmentOf(name, address),
      cwd: join(this.#options.folder, 'tmp'),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...AS_USER,
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<unknown[]>,
    ]);
    return { code: typeof code === 'number' ? code : null, stdout, stderr };
  }

  async healthy(name: string, instance: Instance): Promise<void> {
    const check = this.#service(name).healthcheck?.test ?? this.#imageCheck();
    const [kind, ...command] = this.#translated(name, instance.address, check);
    if (kind !== 'CMD') throw new Error(`${name} is checked by ${kind}`);
    const deadline = Date.now() + HEALTHY_WITHIN;
    for (;;) {
      if ((await this.#silently(command, this.environmentOf(name, instance.address))) === 0) return;
      if (instance.child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${name} does not become healthy:\n${instance.log.slice(-3_000)}`);
      await sleep(HEALTH_PAUSE);
    }
  }

  /** Ends everything in the reverse order, by force where SIGTERM is not enough. */
  async down(): Promise<void> {
    for (const [, instances] of [...this.instances].toReversed()) {
      await Promise.all(
        instances.map(async (instance) => {
          instance.child.kill('SIGTERM');
          const forced = setTimeout(() => instance.child.kill('SIGKILL'), 20_000);
          await instance.ended;
          clearTimeout(forced);
        }),
      );
    }
  }

  environmentOf(name: string, address: string): NodeJS.ProcessEnv {
    const service = this.#service(name);
    const { programs, folder, tidemarkEnv } = this.#options;
    const ours = isOurs(service) ? this.#image.environment : {};
    const translated = (key: string, value: string): string =>
      NAMES_A_HOST.test(key) ? this.#hostOf(value) : this.#translate(name, address, value);
    const given = Object.entries({ ...ours, ...service.environment }).flatMap(([key, value]) =>
      value === null ? [] : [[key, translated(key, value)] as const],
    );
    const here = { PATH: programs.path, HOME: join(folder, 'tmp'), TMPDIR: join(folder, 'tmp') };
    // tidemark.env comes before what the project sets, as in Compose. It needs no translation.
    return { ...here, ...(isOurs(service) ? tidemarkEnv : {}), ...Object.fromEntries(given) };
  }

  async #completed(name: string, jobs: readonly Instance[]): Promise<void> {
    for (const job of jobs) {
      const code = await job.ended;
      if (code !== 0) throw new Error(`${name} ended with ${code}:\n${job.log.slice(-3_000)}`);
    }
  }

  #commandOf(service: ComposeService): readonly string[] {
    const command = service.command ?? [];
    if (service.image.startsWith('postgres:')) return postgresCommand(command);
    if (isOurs(service)) return [...(service.entrypoint ?? this.#imageEntrypoint()), ...command];
    return command;
  }

  #imageEntrypoint(): string[] {
    return wordsOf(this.#image.stages.at(-1)?.instructions.find(({ name }) => name === 'ENTRYPOINT')?.text ?? '');
  }

  #imageCheck(): string[] {
    const check = this.#image.stages.at(-1)?.instructions.find(({ name }) => name === 'HEALTHCHECK')?.text ?? '';
    return ['CMD', ...wordsOf(check.slice(check.indexOf('[')))];
  }

  #spawn(name: string, [program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv, address: string): Instance {
    const logFile = join(this.#options.folder, 'logs', `${name}-${address}.log`);
    const child = spawn(program, args, {
      env,
      cwd: join(this.#options.folder, 'tmp'),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...AS_USER,
    });
    const log = createWriteStream(logFile, { flags: 'a' });
    child.on('error', (error) => log.write(`${error.message}\n`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return new Instance(child, address, logFile);
  }

  async #silently([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
    const child = spawn(program, args, { env, stdio: 'ignore', ...AS_USER });
    const [code] = (await once(child, 'close')) as unknown[];
    return typeof code === 'number' ? code : null;
  }

  #translated(name: string, address: string, words: readonly string[]): string[] {
    return words.map((word) => this.#translate(name, address, word));
  }

  /** Translates the names, addresses and paths of a container to this machine's. */
  #translate(service: string, address: string, value: string): string {
    const { folder, app, programs, project } = this.#options;
    const here = new Map([
      ['0.0.0.0', address],
      ['127.0.0.1', address],
      ['/run/secrets', join(folder, 'secrets')],
      ['/etc/temporal/entrypoint.sh', programs.entrypoint],
      ['/tmp/tidemark', join(folder, 'tmp/tidemark')],
      ['/app', app],
    ]);
    for (const { type, source, target } of this.#service(service).volumes)
      here.set(target, type === 'bind' ? this.#bindPath(source) : join(folder, source));
    for (const other of Object.keys(project.services))
      for (const port of ports(value)) here.set(`${other}:${port}`, `${this.addressOf(other)}:${port}`);
    const any = new RegExp(
      `(?<![\\w.-])(${[...here.keys()].map((name) => name.replaceAll('.', '\\.')).join('|')})(?![\\w-])`,
      'g',
    );
    return value.replace(any, (name) => here.get(name) ?? name);
  }

  #hostOf(name: string): string {
    return this.#addresses.get(name) ?? name;
  }

  #binds(): Set<string> {
    return new Set(
      Object.values(this.#options.project.services).flatMap(({ volumes }) =>
        volumes.filter(({ type }) => type === 'bind').map(({ source }) => source),
      ),
    );
  }

  #bindPath(source: string): string {
    return join(this.#options.folder, 'mounts', source);
  }

  #service(name: string): ComposeService {
    const service = this.#options.project.services[name];
    if (service === undefined) throw new Error(`there is no service ${name}`);
    return service;
  }

  #newAddress(): string {
    return `${this.#network}.${this.#nextAddress++}`;
  }
}

const isOurs = ({ image }: ComposeService): boolean => image.startsWith('tidemark:');

const ports = (value: string): string[] => [...value.matchAll(/:(\d+)/g)].map(([, port = '']) => port);

function wordsOf(json: string): string[] {
  const words: unknown = JSON.parse(json);
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${json}`);
  return words.map(String);
}
