import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';

import { buildConnector } from 'undici';

import { AddressRefusedError, refusalOfConnection, type AddressPolicy } from './address-guard.ts';
import { addressOf, refusedHost } from './webhook-url.ts';

/** All addresses of a name, as `dns.promises.lookup` gives them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * Connects to allowed addresses only. A name is resolved once for each connection, and the socket gets exactly the
 * addresses that were checked: a name that resolves to something else a moment later changes nothing. One refused
 * address among several refuses them all, since nobody has a public and a private receiver under one name.
 *
 * @param options.timeout - ms for the look-up, the connection and TLS together
 * @returns a connector for undici, which fails with {@link AddressRefusedError}
 */
export function guardedConnect(options: {
  readonly policy: AddressPolicy;
  readonly resolve: Resolve;
  readonly timeout: number;
}): buildConnector.connector {
  const { policy, timeout } = options;
  const connectors = new Map(
    ['http:', 'https:'].map((protocol) => [
      protocol,
      buildConnector({ timeout, allowH2: false, lookup: guardedLookup(protocol, options) }),
    ]),
  );
  return (target, callback) => {
    const { hostname, protocol } = target;
    // A socket does not look up a host that is an address already.
    const address = addressOf(hostname);
    const refusal = address === null ? null : refusalOfConnection({ address, protocol }, policy);
    const connect = connectors.get(protocol);
    if (refusal !== null || connect === undefined)
      callback(
        new AddressRefusedError(refusedHost(hostname, refusal ?? `${protocol} is no protocol of webhooks`)),
        null,
      );
    else connect(target, callback);
  };
}

function guardedLookup(
  protocol: string,
  { policy, resolve }: { readonly policy: AddressPolicy; readonly resolve: Resolve },
): LookupFunction {
  const allowedAddresses = callbackify(async (hostname: string): Promise<LookupAddress[]> => {
    const addresses = await resolve(hostname);
    if (addresses.length === 0) throw noAddress(hostname);
    for (const { address } of addresses) {
      const refusal = refusalOfConnection({ address, protocol }, policy);
      if (refusal !== null) throw new AddressRefusedError(refusedHost(hostname, refusal));
    }
    return [...addresses];
  });
  return (hostname, lookup: LookupOptions, callback) =>
    allowedAddresses(hostname, (error, addresses) => {
      const [first] = error === null ? addresses : [];
      if (first === undefined) callback(error, '', 0);
      else if (lookup.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
