/** Header names in lower case, as node:http gives them. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Who may ask a server that asks nobody for a password. */
export interface RequestGuard {
  /** Names by which the server may be asked, beside those of loopback and any IP address. */
  readonly hosts: readonly string[];
  /** Pages that may ask. The server's own pages may always. */
  readonly origins: readonly string[];
}

const LOOPBACK_NAME = /^(?:.+\.)?localhost$/;
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?)$/;
const IP_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Keeps out the pages of a browser that happens to reach the server. Programs are let through.
 *
 * - A page reads a server's answers by giving its own name the server's address (DNS rebinding). Its name then stands in `Host`. An IP address
 *   there is no such name: a page gets no other address than the one that it came from. The port is not compared: tunnels and containers map it.
 * - A page sends what needs no answer (a form, `no-cors`) to any address. Browsers say so in `Sec-Fetch-Site`, or in `Origin`. A person who
 *   follows a link comes from another site, too, and is let through: another page can't read what they see.
 *
 * @returns why the request is refused, for a person; null when it is not
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function refusalOf({ method, headers }: GuardedRequest, { hosts, origins }: RequestGuard): string | null {
  const host = textOf(headers['host']).toLowerCase();
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  const isKnown = LOOPBACK_NAME.test(name) || IP_ADDRESS.test(name) || hosts.some((known) => known.toLowerCase() === name);
  if (!isKnown) return `the host "${name}" is not one of this server's: ask for it as localhost or by its IP address, or allow the name with --allow-host`;

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

/** Whether only this machine reaches a server that listens there. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host.toLowerCase()) || LOOPBACK_ADDRESS.test(host);
}

/** A browser asks first before it sends JSON to another site, so a body that says it is JSON came from nobody's form. */
export function isJson(contentType: string | undefined): boolean {
  return JSON_TYPE.test(contentType ?? '');
}

const textOf = (header: string | readonly string[] | undefined): string => (typeof header === 'string' ? header : (header?.[0] ?? ''));
