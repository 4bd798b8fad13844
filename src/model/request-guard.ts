/** Header names in lower case, as node:http gives them. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Who may use a server that has no password. */
export interface RequestGuard {
  /** Host names that the server accepts, besides loopback names and any IP address. */
  readonly hosts: readonly string[];
  /** The option that allows more host names, which the refusal names; absent when there is none. */
  readonly hostsOption?: string;
  /** Origins of pages that may send requests. The server's own pages always may. */
  readonly origins: readonly string[];
}

const LOOPBACK_NAME = /^(?:.+\.)?localhost$/;
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?)$/;
const IP_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Refuses requests of foreign web pages in a browser that can reach the server. Programs are let through.
 *
 * - DNS rebinding: a page points its own name at the server's address so that it can read the answers. The page's name
 *   then stands in `Host`. An IP address in `Host` cannot be rebound. The port is not compared, since tunnels and
 *   containers map it.
 * - Cross-site requests: a page can send a form or a `no-cors` request to any address. Browsers say so in
 *   `Sec-Fetch-Site` or `Origin`. A person who follows a link also comes from another site and is let through, since no
 *   other page can read what the person sees.
 *
 * @returns why the request is refused, for a person; null when it is allowed
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function refusalOf(
  { method, headers }: GuardedRequest,
  { hosts, hostsOption, origins }: RequestGuard,
): string | null {
  const host = textOf(headers['host']).toLowerCase();
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  const isKnown =
    LOOPBACK_NAME.test(name) || IP_ADDRESS.test(name) || hosts.some((known) => known.toLowerCase() === name);
  if (!isKnown) {
    const allow = hostsOption === undefined ? '' : `, or allow the name in ${hostsOption}`;
    return `the host "${name}" is not one of this server's: ask for it as localhost or by its IP address${allow}`;
  }

  const site = textOf(headers['sec-fetch-site']);
  if (site === 'same-origin' || site === 'none') return null;
  const origin = textOf(headers['origin']);
  if (origin !== '') {
    const isAllowed = origins.includes(origin) || origin === `http://${host}` || origin === `https://${host}`;
    return isAllowed ? null : `the page "${origin}" may not ask this server`;
  }
  const isVisit = method === 'GET' && textOf(headers['sec-fetch-mode']) === 'navigate';
  return site === '' || isVisit ? null : 'pages of other sites may not ask this server';
}

/** Whether only this machine can reach a server that listens at `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host.toLowerCase()) || LOOPBACK_ADDRESS.test(host);
}

/**
 * Browsers ask for permission before they send JSON to another site, so a JSON body never comes from a foreign page's
 * form.
 */
export function isJson(contentType: string | undefined): boolean {
  return JSON_TYPE.test(contentType ?? '');
}

const textOf = (header: string | readonly string[] | undefined): string =>
  typeof header === 'string' ? header : (header?.[0] ?? '');
