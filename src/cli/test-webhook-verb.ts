import type { Command } from 'commander';

import type { WebhookSecret } from '../deliveries/webhooks/webhook-secret.ts';
import { CannotDoError } from '../model/program-errors.ts';
import { readSecretFile } from './credentials-file.ts';
import { contextOf, verb, type Cli, type VerbOptions } from './verb-context.ts';

interface TestWebhookOptions extends VerbOptions {
  readonly secretFile?: string;
  readonly allowPrivate?: boolean;
}

export function addTestWebhook(program: Command, cli: Cli): void {
  verb(program, 'test-webhook', {
    examples: [
      'tidemark test-webhook https://example.com/hooks/mail --secret-file secret.txt',
      'tidemark test-webhook http://localhost:3000/hooks/mail --allow-private',
    ],
  })
    .argument('<url>', 'where the webhook is sent')
    .option('--secret-file <file>', 'a file with the secret that signs it, whsec_… or whsk_…; a new one unless given')
    .option('--allow-private', 'allow addresses that are not public, and http')
    .addHelpText(
      'after',
      '\nSends one signed webhook of type webhook.test, once, and says what became of it. ' +
        'Needs neither database nor Temporal server. Exit code 1 when it was not accepted.',
    )
    .action(async (url: string, options: TestWebhookOptions) => {
      const { config, out, clock, signal } = await contextOf(cli, options);
      const [{ testWebhook }, { receiverKeyOf }] = await Promise.all([
        import('../app/test-webhook.ts'),
        import('../deliveries/webhooks/webhook-secret.ts'),
      ]);
      const secret = await secretOf(options);
      // Shown before the webhook is sent: a receiver that refuses it may need the key.
      if (options.secretFile === undefined)
        out.notice(`Signed with a new secret. A receiver verifies it with ${receiverKeyOf(secret).reveal()}`);
      const { milliseconds } = await testWebhook(
        { clock, allowedNetworks: config.webhooks.allowedNetworks },
        { url, secret: secret.text.reveal(), allowPrivate: options.allowPrivate === true, signal },
      );
      out.result({ accepted: true, milliseconds }, () => `Accepted after ${milliseconds} ms.`);
    });
}

async function secretOf({ secretFile }: TestWebhookOptions): Promise<WebhookSecret> {
  const { generateWebhookSecret, InvalidWebhookSecretError, parseWebhookSecret } =
    await import('../deliveries/webhooks/webhook-secret.ts');
  if (secretFile === undefined) return generateWebhookSecret();
  const text = await readSecretFile(secretFile, 'secret');
  try {
    return parseWebhookSecret(text);
  } catch (error) {
    if (!(error instanceof InvalidWebhookSecretError)) throw error;
    throw new CannotDoError('secret-file', `The secret file ${secretFile} cannot be used. ${error.message}`, {
      cause: error,
    });
  }
}
