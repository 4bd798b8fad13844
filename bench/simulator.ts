import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { generateMail } from '../src/simulator/generate.ts';
import { startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';

/**
 * Measures the simulator's own speed, to show that a benchmark of the engine measures the engine.
 * `node bench/simulator.ts [messages]` generates a mailbox of 4 KB messages in a separate process and fetches them in
 * batches of 50.
 */
const EMAIL = 'bench@example.com';
const messages = Number(process.argv[2] ?? 100_000);
const clock = {
  now: () => Date.now(),
  sleep: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  random: Math.random,
};

if (process.send === undefined) await measure();
else await serve(process.send.bind(process));

async function serve(report: (message: object) => void): Promise<void> {
  const simulator = new Simulator({ clock });
  const mailbox = simulator.addMailbox(EMAIL);
  const began = performance.now();
  generateMail(mailbox, { messages, now: Date.now(), bodyBytes: 4_096 });
  const seconds = (performance.now() - began) / 1_000;
  const { url } = await startSimulatorServer({ simulator, port: 0 });
  report({ url, seconds, megabytes: process.memoryUsage().rss / 2 ** 20 });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    report({ cpu: (user + system) / 1e6, megabytes: process.memoryUsage().rss / 2 ** 20 });
  });
}

async function measure(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [String(messages)]);
  const next = (): Promise<Record<string, number> & { url: string }> =>
    new Promise((resolve) =>
      child.once('message', (message) => resolve(message as Record<string, number> & { url: string })),
    );
  const ready = await next();
  console.log(
    `${messages} messages generated in ${ready['seconds']?.toFixed(1)} s, ${ready['megabytes']?.toFixed(0)} MB`,
  );
  const dispatcher = new Agent({ connections: 4 });
  const ask = async (path: string, headers: Record<string, string> = {}, body?: string): Promise<Buffer> => {
    const response = await request(ready.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body ?? null,
      dispatcher,
    });
    return Buffer.from(await response.body.arrayBuffer());
  };
  const credentials: Record<string, string> = JSON.parse(
    (await ask(`/simulator/credentials?email=${EMAIL}`)).toString(),
  );
  const form = new URLSearchParams({ ...credentials, grant_type: 'refresh_token' }).toString();
  const { access_token: token }: { access_token: string } = JSON.parse((await ask('/token', {}, form)).toString());
  const headers = { authorization: `Bearer ${token}` };

  const ids: string[] = [];
  let pageToken = '';
  let began = performance.now();
  do {
    const page: { messages: { id: string }[]; nextPageToken?: string } = JSON.parse(
      (
        await ask(`/gmail/v1/users/me/messages?maxResults=500&includeSpamTrash=true&pageToken=${pageToken}`, headers)
      ).toString(),
    );
    ids.push(...page.messages.map(({ id }) => id));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  console.log(`${ids.length} ids listed in ${((performance.now() - began) / 1_000).toFixed(1)} s`);

  const most = Math.min(ids.length, 20_000);
  for (const format of ['full', 'full', 'raw']) {
    child.send('cpu');
    const before = await next();
    began = performance.now();
    let at = 0;
    let bytes = 0;
    const lane = async (): Promise<void> => {
      while (at < most) {
        const slice = ids.slice(at, at + 50);
        at += 50;
        const parts = slice.map(
          (id, i) =>
            `--b\r\nContent-Type: application/http\r\nContent-ID: <i${i}>\r\n\r\n` +
            `GET /gmail/v1/users/me/messages/${id}?format=${format}\r\n\r\n`,
        );
        const answer = await ask(
          '/batch/gmail/v1',
          { ...headers, 'content-type': 'multipart/mixed; boundary=b' },
          `${parts.join('')}--b--`,
        );
        bytes += answer.length;
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    const seconds = (performance.now() - began) / 1_000;
    child.send('cpu');
    const after = await next();
    const cpu = (after['cpu'] ?? 0) - (before['cpu'] ?? 0);
    console.log(
      `${format}: ${(most / seconds).toFixed(0)} messages/s, ` +
        `${(most / cpu).toFixed(0)} per CPU second of the simulator, ${(bytes / most).toFixed(0)} bytes each, ` +
        `${after['megabytes']?.toFixed(0)} MB`,
    );
  }
  child.kill();
  await dispatcher.close();
}
