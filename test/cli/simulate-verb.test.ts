import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { tidemark } from '../fixtures/system/cli.ts';

const ADA = 'ada@example.com';

describe('tidemark simulate', () => {
  const folder = useFolder();
  const env = (): NodeJS.ProcessEnv => ({ HOME: folder(), TIDEMARK_DATA_DIR: folder() });
  const simulate = (...args: string[]) =>
    tidemark(env(), 'simulate', '--port', '0', '--credentials', folder(), ...args);

  /** What the verb prints before it is interrupted. */
  async function printed(...args: string[]): Promise<string> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const ended = new AbortController();
    const whole = text(stdout);
    stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Ctrl-C')) ended.abort();
    });
    const streams = { stdout, stderr, clock: systemClock, signal: ended.signal };
    await runCli(['simulate', '--port', '0', '--messages', '1', ...args], { env: env(), ...streams });
    stdout.end();
    return whole;
  }

  it('shows commands that can be pasted, wherever the credentials are', async () => {
    const place = join(folder(), "Ada's files");
    mkdirSync(place);
    const words = await printed('--credentials', place);
    expect(words).toContain(`  tidemark connect ${ADA} --credentials '${place.replace("'", "'\\''")}/${ADA}.json'\n`);
    expect(await printed('--credentials', folder())).toContain(`--credentials ${folder()}/${ADA}.json\n`);
    expect(words).toMatch(/\nCtrl-C ends it\. It keeps no changes\.\n$/);
  });

  it('explains its options in its help', async () => {
    const { stdout } = await simulate('--help');
    const words = stdout.replace(/\s+/g, ' ');
    expect(words).toContain('a name by which clients reach it, besides localhost and IP addresses;');
    expect(words).toContain('an mbox file (Google Takeout) or a folder of .eml files');
    expect(words).toContain('the address of a mailbox; may be given more than once (default ada@example.com)');
    expect(words).toContain('with tokens for PUSH_AUDIENCE (default: this URL) from PUSH_SERVICE_ACCOUNT');
    expect(words).toContain('If PUBSUB_EMULATOR_HOST is set, notifications are published to that emulator.');
    expect(words).toContain('Runs until Ctrl-C, and keeps no changes.');
  });

  it('refuses an address that is given twice, and a push endpoint that is not a URL', async () => {
    expect(await simulate('--email', ADA, '--email', ADA)).toEqual({
      code: 2,
      stdout: '',
      stderr: `tidemark: The simulator already has a mailbox ${ADA}: choose another address.\n`,
    });
    for (const endpoint of ['localhost:8080/push', 'nowhere']) {
      const { code, stderr } = await simulate('--push-endpoint', endpoint);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining('Expected an http or https URL, for example http://127.0.0.1:8080/push.'),
      });
    }
  });

  it('says in one line that a file is not an mbox', async () => {
    const mbox = join(folder(), 'mail.mbox');
    writeFileSync(mbox, 'PK');
    expect(await simulate('--mbox', mbox)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `tidemark: ${mbox} is not an mbox file: its first line does not begin with "From ". ` +
        'Unpack an archive first. For .eml files, name the folder that holds them.\n',
    });
  });
});
