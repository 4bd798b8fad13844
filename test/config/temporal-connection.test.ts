import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useConfigFolder } from './config-folder.ts';

const { load, errorOf, folder } = useConfigFolder();

describe('the connection to Temporal', () => {
  it("is read as Temporal's own tools read it", () => {
    expect(load({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_NAMESPACE: 'mail' }).temporal).toMatchObject({
      address: 'temporal:7233',
      namespace: 'mail',
    });
  });

  it('stays without TLS when the API key is empty, as compose files pass it on', () => {
    expect(load({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_API_KEY: '' }).temporal.options).toEqual({});
    expect(load({ TEMPORAL_API_KEY: 'k' }).temporal.options).toMatchObject({ apiKey: 'k', tls: true });
  });

  it('comes from a configuration file, too, and a broken file is reported with the other wrong values', () => {
    const file = join(folder(), 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "from-file:7233"\n');
    expect(load({ TEMPORAL_CONFIG_FILE: file }).temporal.address).toBe('from-file:7233');
    writeFileSync(file, 'not toml');
    const error = errorOf({ TEMPORAL_CONFIG_FILE: file, LOG_LEVEL: 'loud' });
    expect(error.problems.map((problem) => problem.name)).toEqual(['LOG_LEVEL', 'TEMPORAL_*']);
  });
});
