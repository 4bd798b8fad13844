import { expect, it, onTestFinished } from 'vitest';

import { openNamespace } from '../fixtures/system/own-namespace.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { tidemark } from '../fixtures/system/cli.ts';

it('doctor finds nothing wrong with an installation that works, and says so with exit code 0', async () => {
  // `doctor` examines every mailbox of the namespace.
  const namespace = `doctor-${process.pid}`;
  await openNamespace(namespace);
  const rig = await Rig.open('doctor', { env: { TEMPORAL_NAMESPACE: namespace } });
  onTestFinished(() => rig.close());
  await rig.startWorker();
  await rig.inSync('doctor', { messages: 3 }, 30_000);
  const { code, stdout, stderr } = await tidemark(rig.env, 'doctor', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { part: string; state: string; text: string }[] };
  expect(findings.filter(({ state }) => state === 'fault')).toEqual([]);
  expect(findings.map(({ part }) => part)).toEqual([
    'database',
    'keys',
    'disk',
    'Temporal',
    'search attributes',
    'worker',
    'Gmail',
    'tokens',
    'clock',
    'quota',
    'push',
    'mailboxes',
  ]);
  expect(findings.at(-1)?.text).toContain('1 mailbox');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
