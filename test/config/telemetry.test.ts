import { describe, expect, it } from 'vitest';

import { ConfigError, loadConfig } from '../../src/config.ts';

const read = (env: NodeJS.ProcessEnv) => loadConfig({ env: { HOME: '/nowhere', ...env } }).telemetry;

describe('METRICS_ADDRESS', () => {
  it('is off when it is not given', () => {
    expect(read({}).metricsAddress).toBeNull();
  });

  it.each([
    ['127.0.0.1:9464', '127.0.0.1:9464'],
    ['0.0.0.0:9464', '0.0.0.0:9464'],
    ['[::]:9464', '[::]:9464'],
    ['localhost:9464', '127.0.0.1:9464'],
    ['9464', '127.0.0.1:9464'],
  ])('%s listens on %s', (given, expected) => {
    expect(read({ METRICS_ADDRESS: given }).metricsAddress).toBe(expected);
  });

  it.each(['metrics.internal:9464', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:70000', 'http://127.0.0.1:9464'])('%s is refused', (given) => {
    expect(() => read({ METRICS_ADDRESS: given })).toThrow(ConfigError);
  });
});
