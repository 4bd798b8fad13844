import { setTimeout as sleep } from 'node:timers/promises';

import { changedConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/host/log.ts';
import { startPushService, type PushService } from '../../src/app/push-service.ts';
import { AUDIENCE, Google, SERVICE_ACCOUNT } from '../fixtures/gmail/google.ts';
import { Rig, type RigOptions } from '../fixtures/system/rig.ts';

export const TOPIC = 'projects/tidemark-test/topics/gmail';

/** Real workers that ask Gmail for notifications, and a real receiver of them. The test plays Pub/Sub in between. */
export class PushRig {
  readonly rig: Rig;
  readonly google: Google;
  #service: PushService | null = null;

  private constructor(rig: Rig, google: Google) {
    this.rig = rig;
    this.google = google;
  }

  static async open(name: string, options: RigOptions = {}): Promise<PushRig> {
    const google = await Google.start();
    const env = {
      PUSH_TOPIC: TOPIC,
      PUSH_AUDIENCE: AUDIENCE,
      PUSH_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
      GOOGLE_KEYS_URL: google.keysUrl,
      ...options.env,
    };
    return new PushRig(await Rig.open(name, { ...options, env }), google);
  }

  /** Starts the endpoint, or with `subscription` the pull subscriber, in this process. */
  async receive({
    subscription = null,
    temporalAddress = null,
  }: { subscription?: string | null; temporalAddress?: string | null } = {}): Promise<PushService> {
    const { config } = this.rig;
    const push = { ...config.push, subscription };
    const temporal = { ...config.temporal, address: temporalAddress ?? config.temporal.address };
    this.#service = await startPushService({
      config: changedConfig(config, { push, temporal }),
      log: createLog('silent'),
      listen: subscription === null ? { port: 0, host: '127.0.0.1' } : null,
      pull: subscription !== null,
    });
    return this.#service;
  }

  /** Does what a push subscription does, without Pub/Sub: posts each notification until it is acknowledged. */
  deliverTo(url: string): void {
    this.rig.simulator.onNotification(({ emailAddress, historyId }) => {
      void (async () => {
        for (;;) {
          if ((await this.post(url, { emailAddress, historyId })) === 204) return;
          await sleep(200);
        }
      })().catch(() => undefined);
    });
  }

  async post(url: string, payload: object, token?: string): Promise<number> {
    const data = Buffer.from(JSON.stringify(payload)).toString('base64');
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${token ?? (await this.google.token())}`,
    };
    const response = await fetch(`${url}/push`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ message: { data } }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  async close(): Promise<void> {
    await this.#service?.stop();
    await this.rig.close();
    await this.google.close();
  }
}
