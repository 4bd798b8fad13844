import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { Output } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { Terminal } from '../../src/host/terminal.ts';

const HOSTILE = 'Invoice \u001B[2J\u009B31m\u202E\u007F\nada@example.com is in sync';
const SHOWN = String.raw`Invoice \u001b[2J\u009b31m\u202e\u007f\u000aada@example.com is in sync`;

async function written(
  use: (out: Output) => Promise<void> | void,
  { json = false, terminal = false, columns = 80 } = {},
): Promise<{ stdout: string; stderr: string }> {
  const stdout: PassThrough & Terminal = Object.assign(new PassThrough(), { isTTY: terminal });
  const stderr: PassThrough & Terminal = Object.assign(new PassThrough(), { isTTY: terminal, columns });
  const said = Promise.all([text(stdout), text(stderr)]);
  await use(new Output({ stdout, stderr, json }));
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { stdout: out, stderr: err };
}

describe('the output of the command line', () => {
  it('shows control characters and line breaks inside a line as escapes', async () => {
    const said = await written(async (out) => {
      out.result({}, () => HOSTILE);
      out.result({}, () => ['first', HOSTILE]);
      out.say(HOSTILE, '');
      await out.line(HOSTILE);
      out.notice(HOSTILE);
    });
    expect(said).toEqual({ stdout: `${SHOWN}\nfirst\n${SHOWN}\n${SHOWN}\n\n${SHOWN}\n`, stderr: `${SHOWN}\n` });
  });

  it('escapes in JSON the control characters that JSON itself leaves', async () => {
    const { stdout } = await written((out) => out.result({ subject: HOSTILE }, () => ''), { json: true });
    expect(stdout).toBe(`{"subject":"${SHOWN.replace(String.raw`\u000a`, String.raw`\n`)}"}\n`);
    expect(JSON.parse(stdout)).toEqual({ subject: HOSTILE });
  });

  it('draws progress in place, with control characters escaped', async () => {
    const { stderr } = await written((out) => out.draw(HOSTILE), { terminal: true });
    expect(stderr).toBe(`\r\u001B[K${SHOWN.slice(0, 79)}`);
  });

  it('draws no more columns than the terminal has, and counts wide characters as two', async () => {
    const { stderr } = await written((out) => out.draw('件名件名'), { terminal: true, columns: 8 });
    expect(stderr).toBe('\r\u001B[K件名件');
  });

  it('passes the bytes of mail to a pipe as they are, and to a terminal as escaped lines', async () => {
    const mail = Buffer.from('Subject: \u001B[2J\r\n\r\n\u009Bhello\r\n');
    expect((await written((out) => out.mail(mail))).stdout).toBe('Subject: \u001B[2J\r\n\r\n\u009Bhello\r\n');
    expect((await written((out) => out.mail(mail), { terminal: true })).stdout).toBe(
      'Subject: \\u001b[2J\n\n\\u009bhello\n',
    );
  });

  it.each([[[]], [['--json']]])('escapes control characters of a refused argument, options %j', async (flags) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const said = text(stderr);
    expect(
      await runCli(['status', HOSTILE, ...flags], {
        env: {},
        stdout,
        stderr,
        clock: systemClock,
        signal: new AbortController().signal,
      }),
    ).toBe(2);
    stderr.end();
    expect(await said).toContain(flags.length === 0 ? SHOWN : 'u009b31m');
    expect(await said).not.toMatch(/(?!\n)[\p{Cc}\u202E]/u);
    expect((await said).trimEnd().split('\n')).toHaveLength(1);
  });

  it('names a mistyped verb in one line, with the verb that may have been meant', async () => {
    const stderr = new PassThrough();
    const said = text(stderr);
    expect(
      await runCli(['statsu', 'ada@example.com'], {
        env: {},
        stdout: new PassThrough(),
        stderr,
        clock: systemClock,
        signal: new AbortController().signal,
      }),
    ).toBe(2);
    stderr.end();
    expect(await said).toBe("tidemark: unknown command 'statsu' (Did you mean status?)\n");
  });
});
