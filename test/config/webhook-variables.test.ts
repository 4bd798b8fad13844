import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/config-error.ts';

const read = (given?: string) =>
  loadConfig({ env: { HOME: '/nowhere', WEBHOOK_ALLOWED_NETWORKS: given } }).webhooks.allowedNetworks;

describe('WEBHOOK_ALLOWED_NETWORKS', () => {
  it('is empty when it is not given', () => {
    expect(read()).toEqual([]);
  });

  it('lists networks and addresses, with commas between them', () => {
    expect(read(' 10.1.0.0/16, fd12:3456::/32,127.0.0.1,')).toEqual(['10.1.0.0/16', 'fd12:3456::/32', '127.0.0.1']);
  });

  it.each(['internal', '10.0.0.0/33', '10.1.0.0/16 fd12::/16'])('%s is refused', (given) => {
    expect(() => read(given)).toThrow(ConfigError);
    expect(() => read(given)).toThrow('for example 10.1.0.0/16,fd12:3456::/32');
  });
});
