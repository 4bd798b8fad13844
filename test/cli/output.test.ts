import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { Output, type Terminal } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/system-clock.ts';

const HOSTILE = 'Invoice \u001B[2J\u009B31m\u202E\u007F';
const SHOWN = String.raw`Invoice \u001b[2J\u009b31m\u202e\u007f`;

async function written(use: (out: Output) => Promise<void> | void, { json = false, terminal = false } = {}): Promise<{ stdout: string; stderr: string }> {
  const stdout: PassThrough & Terminal = Object.assign(new PassThrough(), { isTTY: terminal });
  const stderr: PassThrough & Terminal = Object.assign(new PassThrough(), { isTTY: terminal });
  const said = Promise.all([text(stdout), text(stderr)]);
  await use(new Output({ stdout, stderr, json }));
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { stdout: out, stderr: err };
}

describe('what is written to a terminal', () => {
  it('shows control characters of results, lines and notices', async () => {
    const said = await written(async (out) => {
      out.result({}, () => HOSTILE);
      await out.line(`${HOSTILE}\n`);
      out.notice(HOSTILE);
    });
    expect(said).toEqual({ stdout: `${SHOWN}\n${SHOWN}\n`, stderr: `${SHOWN}\n` });
  });

  it('escapes in JSON what JSON itself leaves as it is', async () => {
    const { stdout } = await written((out) => out.result({ subject: HOSTILE }, () => ''), { json: true });
    expect(stdout).toBe(`{"subject":"${SHOWN}"}\n`);
    expect(JSON.parse(stdout)).toEqual({ subject: HOSTILE });
  });

  it('draws progress in place, with nothing of a stranger obeyed', async () => {
    const { stderr } = await written((out) => out.draw(HOSTILE), { terminal: true });
    expect(stderr).toBe(`\r\u001B[K${SHOWN}`);
  });

  it('passes the bytes of mail to a pipe as they are, and shows them to a terminal', async () => {
    const mail = Buffer.from(`${HOSTILE}\r\n`);
    expect((await written((out) => out.line(mail))).stdout).toBe(`${HOSTILE}\r\n`);
    expect((await written((out) => out.line(mail), { terminal: true })).stdout).toBe(`${SHOWN}\n`);
  });

  it.each([[[]], [['--json']]])('shows those of an argument that is refused %j', async (flags) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const said = text(stderr);
    expect(await runCli(['status', HOSTILE, ...flags], { env: {}, stdout, stderr, clock: systemClock, signal: new AbortController().signal })).toBe(2);
    stderr.end();
    expect(await said).toContain(flags.length === 0 ? SHOWN : 'u009b31m');
    expect(await said).not.toMatch(/(?!\n)[\p{Cc}\u202E]/u);
  });
});
