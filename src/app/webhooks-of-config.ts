import type { WebhookAccess } from '../client/webhook-access.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import { webhookSecretsOf } from '../secrets/secret-owner.ts';
import { secretKeysOf } from '../storage/open-secret-keys.ts';
import type { Stores } from '../store/stores.ts';

/** Its modules are loaded when somebody subscribes: they need the rules of addresses and the keys. */
export function webhookAccess(
  config: Config,
  stores: Pick<Stores, 'store' | 'credentials'>,
  clock: Clock,
): WebhookAccess {
  return {
    subscribe: async (name, wanted) => {
      const { subscribeWebhook } = await import('./subscribe-webhook.ts');
      const { allowedNetworks } = config.webhooks;
      const keys = await secretKeysOf(config, clock);
      return subscribeWebhook({ stores, keys, clock, allowedNetworks }, name, wanted);
    },
    test: async (request) => {
      const { testWebhook } = await import('./test-webhook.ts');
      return testWebhook({ clock, allowedNetworks: config.webhooks.allowedNetworks }, request);
    },
    forget: (name) => stores.credentials.delete(webhookSecretsOf(name)),
  };
}
