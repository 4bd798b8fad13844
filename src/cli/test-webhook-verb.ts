import { randomUUID } from 'node:crypto';

import type { Command } from 'commander';

import type { WebhookOutcome } from '../deliveries/webhooks/webhook-attempt.ts';
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
      '\nSends one event of type webhook.test, once, and says what became of it. ' +
        'Needs neither database nor Temporal server. Exit code 1 when it was not accepted.',
    )
    .action(async (url: string, options: TestWebhookOptions) => {
      const { config, out, clock, signal } = contextOf(cli, options);
      const [{ createWebhookSender }, { testBody }, { receiverKeyOf }] = await Promise.all([
        import('../deliveries/webhooks/send-webhook.ts'),
        import('../deliveries/webhooks/webhook-payload.ts'),
        import('../deliveries/webhooks/webhook-secret.ts'),
      ]);
      const secret = await secretOf(options);
      if (options.secretFile === undefined)
        out.notice(`Signed with a new secret. A receiver verifies it with ${receiverKeyOf(secret).reveal()}`);
      const sender = createWebhookSender({ clock, allowedNetworks: config.webhooks.allowedNetworks });
      try {
        const timestamp = clock.now();
        const outcome = await sender.send(
          { url, secrets: [secret], allowPrivate: options.allowPrivate === true },
          { id: `test_${randomUUID()}`, timestamp, body: testBody(timestamp), signal },
        );
        const milliseconds = clock.now() - timestamp;
        if (outcome.kind !== 'accepted') throw notAccepted(outcome);
        out.result({ accepted: true, milliseconds }, () => `Accepted after ${milliseconds} ms.`);
      } finally {
        await sender.close();
      }
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

function notAccepted(outcome: Exclude<WebhookOutcome, { readonly kind: 'accepted' }>): CannotDoError {
  if (outcome.kind === 'refused') return new CannotDoError('webhook-refused', outcome.reason);
  const answer = outcome.answer === null ? '' : ` Its answer begins: ${outcome.answer}`;
  return new CannotDoError('webhook-not-accepted', `The webhook was not accepted: ${outcome.reason}.${answer}`);
}
