import type { Config } from '../config/config.ts';
import { formatDuration } from '../model/duration.ts';
import { ConsentError } from '../gmail/access/consent-error.ts';
import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import { beginConsent, completeConsent, type CompletedConsent } from './consent.ts';
import { listenForRedirect } from './loopback-redirect.ts';
import type { AccountStores } from './mailbox-credentials.ts';

export interface DesktopConsentRequest {
  readonly config: Config;
  readonly stores: AccountStores;
  readonly clock: Clock;
  /** The JSON of an OAuth client of type Desktop app. */
  readonly client: string;
  readonly mailbox: MailboxId | null;
  readonly settings: Pick<MailboxSettings, 'format' | 'scope'>;
  /** Port of the redirect on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Milliseconds that the person has to answer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Called with the address that the person must open. */
  readonly onLink: (url: string) => void;
}

/**
 * Asks a person at this machine for consent, in the browser, and stores the grant.
 *
 * @throws {ConsentError} when the person or Google refuses, or nobody answers in time
 * @throws the signal's reason when it aborts
 * @see https://developers.google.com/identity/protocols/oauth2/native-app
 */
export async function consentOnDesktop(request: DesktopConsentRequest): Promise<CompletedConsent> {
  const { config, stores, client, mailbox, settings, clock, timeout, signal } = request;
  const redirect = await listenForRedirect({ port: request.port });
  const over = new AbortController();
  const stop = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  clock.sleep(timeout, over.signal).then(
    () =>
      over.abort(
        new ConsentError(
          'timeout',
          `Nobody answered Google's question within ${formatDuration(timeout)}. Begin again; ` +
            'if Google showed an error instead of a question, it says there what is wrong with the OAuth client.',
        ),
      ),
    () => undefined,
  );
  try {
    signal.throwIfAborted();
    const { url, pending } = beginConsent({
      config,
      client,
      redirectUri: redirect.redirectUri,
      settings,
      ...(mailbox === null ? {} : { mailbox }),
    });
    const answer = redirect.answerTo(pending.state, over.signal);
    request.onLink(url);
    const browser = await answer;
    try {
      const completed = await completeConsent({ config, stores, client, pending, callbackUrl: browser.url, clock });
      await browser.show({
        title: 'Connected',
        text: `${completed.mailbox} is connected to Tidemark. You can close this window.`,
      });
      return completed;
    } catch (error) {
      await browser.show({
        title: 'Not connected',
        text: error instanceof ConsentError ? error.message : 'Something went wrong. The terminal says what.',
      });
      throw error;
    }
  } finally {
    over.abort();
    signal.removeEventListener('abort', stop);
    await redirect.close();
  }
}
