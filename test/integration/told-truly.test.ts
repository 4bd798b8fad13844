import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Switchboard } from '../fixtures/host/switchboard.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

describe('the command line says what is true', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('told-truly');
  });
  afterAll(() => rig.close());

  const run = (...args: string[]) => tidemark(rig.env, ...args);
  async function inSync(name: string, messages: number): Promise<TestMailbox> {
    const box = await rig.mailbox(name, { messages, threadSize: 1 });
    await box.start();
    await box.exact(30_000);
    return box;
  }

  it('start --wait counts what is stored when it says "in sync", however late Temporal answers', async () => {
    const box = await rig.mailbox('arriving', { messages: 25, threadSize: 1 });
    const port = Number(inject('temporalAddress').split(':')[1]);
    const slow = await Switchboard.to(port, { delay: 700 });
    try {
      const waiting = tidemark({ ...rig.env, TEMPORAL_ADDRESS: `127.0.0.1:${slow.port}` }, 'start', box.id, '--wait');
      await eventually(20_000, async () => ((await rig.tidemark.client.running()).has(box.id) ? true : null));
      const first = box.ids().length;
      await rig.startWorker();
      for (let n = 0; n < 5; n++) box.deliver(`meanwhile ${n}`);
      const { code, stdout } = await waiting;
      expect(code).toBe(0);
      expect(stdout).toMatch(/ is in sync: \d+ messages, /);
      const stored = Number(/in sync: (\d+) messages/.exec(stdout)?.[1]);
      expect(stored).toBeGreaterThanOrEqual(first);
      expect(stored).toBeLessThanOrEqual(box.ids().length);
    } finally {
      await slow.close();
    }
  }, 60_000);

  it('sync --wait calls new mail that is not fetched yet what it is, and not of the full sync', async () => {
    const box = await inSync('late', 3);
    const fault = { match: { email: box.id }, effect: { kind: 'status', status: 404, reason: 'notFound' } } as const;
    for (const method of ['messages.get', 'threads.get'] as const)
      rig.simulator.faults.add({ ...fault, match: { ...fault.match, method } });
    box.deliver('not visible yet');
    const { code, stdout } = await run('sync', box.id, '--wait');
    rig.simulator.faults.clear();
    expect(code).toBe(0);
    expect(stdout).toMatch(/: 3 messages stored; 1 new or changed message still to fetch\.\n$/);
    await box.exact(60_000);
  }, 90_000);

  it('status says of an error that is over that there is none now', async () => {
    const box = await inSync('mended', 3);
    await box.handle.signal('configure', { pollInterval: 'often' });
    const told = async () => (await run('status', box.id)).stdout;
    expect(await told()).toMatch(/last error +the settings were not changed: .*; since 20\d\d-/);
    expect(await run('configure', box.id, '--poll-interval', '7m')).toMatchObject({ code: 0 });
    expect(await told()).toMatch(
      /last error +none now\. The last one, over since 20\S+ \S+Z \(\d+s ago\), was: the sett/,
    );
  }, 60_000);
});
