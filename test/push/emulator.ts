import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';

import { freePort } from '../../src/temporal/dev-server/index.ts';
import { eventually } from '../integration/eventually.ts';

/** Where the Google Cloud SDK's packages and installer put it. */
const PLACES = [
  '/usr/lib/google-cloud-sdk',
  '/usr/share/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  `${process.env['HOME']}/google-cloud-sdk`,
  process.env['CLOUDSDK_ROOT_DIR'] ?? '',
];
const JAR = 'platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar';

/** Why Google's Pub/Sub emulator cannot be used here; null when it can. */
export function emulatorMissing(): string | null {
  if (jarOf() === null) return "the Google Cloud SDK's Pub/Sub emulator is not on this machine";
  return spawnSync('java', ['-version']).status === 0
    ? null
    : 'the Pub/Sub emulator needs java, which is not on this machine';
}

function jarOf(): string | null {
  const roots = PLACES.filter((place) => place !== '' && existsSync(place));
  return roots.flatMap((root) => globSync(`${root}/${JAR}`))[0] ?? null;
}

/** Google's own Pub/Sub emulator. */
export class PubSubEmulator {
  readonly host: string;
  readonly #child: ChildProcess;

  private constructor(host: string, child: ChildProcess) {
    this.host = host;
    this.#child = child;
  }

  static async start(): Promise<PubSubEmulator> {
    const port = await freePort(0);
    const child = spawn('java', ['-jar', jarOf() ?? '', '--host=127.0.0.1', `--port=${port}`], { stdio: 'ignore' });
    const emulator = new PubSubEmulator(`127.0.0.1:${port}`, child);
    const answers = async (): Promise<true | null> =>
      (await fetch(`http://${emulator.host}/`).catch(() => null)) === null ? null : true;
    await eventually(30_000, answers, () => 'the Pub/Sub emulator does not answer').catch(async (error: unknown) => {
      await emulator.stop();
      throw error;
    });
    return emulator;
  }

  async createTopic(name: string): Promise<void> {
    await this.#put(name, {});
  }

  /** @param pushEndpoint - none for one that is pulled */
  async createSubscription(
    name: string,
    { topic, pushEndpoint }: { topic: string; pushEndpoint?: string },
  ): Promise<void> {
    await this.#put(name, {
      topic,
      ackDeadlineSeconds: 10,
      ...(pushEndpoint === undefined ? {} : { pushConfig: { pushEndpoint } }),
    });
  }

  async publish(topic: string, data: string): Promise<void> {
    await this.#call('POST', `${topic}:publish`, { messages: [{ data: Buffer.from(data).toString('base64') }] });
  }

  async #put(name: string, body: object): Promise<void> {
    await this.#call('PUT', name, body);
  }

  async #call(method: string, path: string, body: object): Promise<void> {
    const response = await fetch(`http://${this.host}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await ended;
  }
}
