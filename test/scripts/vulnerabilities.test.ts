import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/vulnerabilities.ts', import.meta.url));
const ADVISORY = {
  id: 1,
  url: 'https://advisories.example/1',
  title: 'Reads beyond its end',
  severity: 'high',
  vulnerable_versions: '*',
};

let server: Server | null = null;
afterEach(() => server?.close());

/** A registry that answers requests for advisories with this status and body, and knows no package. */
async function registry(status: number, body: unknown): Promise<string> {
  server = createServer((request, response) => {
    const isForAdvisories = request.method === 'POST';
    response.writeHead(isForAdvisories ? status : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isForAdvisories ? body : {}));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function check(address: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--no-warnings', SCRIPT], {
    env: { ...process.env, npm_config_registry: address, NPM_CONFIG_REGISTRY: address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: (await text(child.stdout)) + (await text(child.stderr)), code: await ended };
}

describe('the check of package-lock.json for known vulnerabilities', () => {
  it('names a package that has an advisory, and fails', async () => {
    const { code, output } = await check(await registry(200, { undici: [ADVISORY] }));
    expect(output).toContain('undici (high): Reads beyond its end https://advisories.example/1');
    expect(code).toBe(1);
  }, 60_000);

  it('says that no package has an advisory', async () => {
    expect(await check(await registry(200, {}))).toEqual({
      code: 0,
      output: 'Known vulnerabilities: none in the packages of package-lock.json.\n',
    });
  }, 60_000);

  it.each([405, 500])(
    'says that nothing was checked where the registry answers %i',
    async (status) => {
      const address = await registry(status, {});
      const { code, output } = await check(address);
      expect(output).toMatch(/^Known vulnerabilities: not checked, since npm got no advisories \(.+\)\.\n$/);
      expect(output).not.toContain(address);
      expect(code).toBe(0);
    },
    60_000,
  );

  it('says that nothing was checked without a network', async () => {
    const address = await registry(200, {});
    await new Promise((resolve) => server?.close(resolve));
    const { code, output } = await check(address);
    expect(output).toMatch(/^Known vulnerabilities: not checked/);
    expect(code).toBe(0);
  }, 60_000);
});
