import { createUndiciTransport } from '../gmail/api/undici-transport.ts';
import type { Transport } from '../gmail/api/transport.ts';
import { fault, ok, warning, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

const ANSWERS_WITHIN = 10_000;
/** Google's times are whole seconds, and an answer takes some. */
const EXACT = 5_000;
/** Google refuses a service account whose clock is off by more. */
const REFUSED = 5 * 60_000;

/** Whether Gmail and the token endpoint answer, and how far this machine's clock is from theirs. */
export async function* examineGoogle(installation: Installation): AsyncGenerator<Finding> {
  const { config } = installation;
  const network = createUndiciTransport();
  try {
    const places = {
      Gmail: { url: config.gmailRootUrl, variable: 'GMAIL_ROOT_URL' },
      tokens: { url: config.googleTokenUrl, variable: 'GOOGLE_TOKEN_URL' },
    };
    const gmail = await answerOf(network.transport, places.Gmail.url, installation);
    yield reached('Gmail', places.Gmail, gmail);
    const tokens = await answerOf(network.transport, places.tokens.url, installation);
    yield reached('tokens', places.tokens, tokens);
    const seen = 'date' in gmail ? gmail : tokens;
    if ('date' in seen && seen.date !== null) yield clockFinding(seen.at - seen.date);
  } finally {
    await network.close();
  }
}

type Answer = { readonly date: number | null; readonly at: number } | { readonly error: unknown };

/** Any answer will do: without a token most are refusals. */
async function answerOf(transport: Transport, url: string, { clock, signal }: Installation): Promise<Answer> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN)]);
    const { headers } = await transport({ method: 'GET', url, headers: {}, signal: within });
    const date = Date.parse(headers['date'] ?? '');
    return { date: Number.isNaN(date) ? null : date, at: clock.now() };
  } catch (error) {
    signal.throwIfAborted();
    return { error };
  }
}

function reached(part: string, { url, variable }: { url: string; variable: string }, answer: Answer): Finding {
  if (!('error' in answer)) return ok(part, `${url} answers.`);
  const reason = answer.error instanceof Error ? answer.error.message : String(answer.error);
  return fault(
    part,
    `${url} does not answer (${reason}). Check the network, a proxy or firewall, and ${variable}, which names it.`,
  );
}

function clockFinding(ahead: number): Finding {
  const off = Math.abs(ahead);
  if (off <= EXACT) return ok('clock', "It agrees with Google's.");
  const text =
    `This machine's clock is ${Math.round(off / 1_000)} s ${ahead > 0 ? 'ahead of' : 'behind'} Google's. ` +
    'Set it, for example by NTP.';
  return off > REFUSED ? fault('clock', text) : warning('clock', text);
}
