import { isIP, type BlockList } from 'node:net';

import { networks } from '../../host/networks.ts';

/**
 * Networks that webhooks are not sent to, and what they are. Source: the registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry,
 * https://www.iana.org/assignments/iana-ipv6-special-registry)
 * and what clouds document about their metadata services.
 */
const REFUSED: readonly (readonly [network: string, what: string])[] = [
  ['169.254.169.254/32', "a cloud's metadata service"],
  ['169.254.170.0/24', "a cloud's metadata service"],
  ['100.100.100.200/32', "a cloud's metadata service"],
  ['168.63.129.16/32', "a cloud's metadata service"],
  ['0.0.0.0/8', 'an address of this machine'],
  ['127.0.0.0/8', 'a loopback address'],
  ['10.0.0.0/8', 'a private address'],
  ['172.16.0.0/12', 'a private address'],
  ['192.168.0.0/16', 'a private address'],
  ['100.64.0.0/10', 'a private address'],
  ['169.254.0.0/16', 'a link-local address'],
  ['192.0.0.0/24', 'a reserved address'],
  ['192.0.2.0/24', 'a reserved address'],
  ['192.88.99.0/24', 'a reserved address'],
  ['198.18.0.0/15', 'a reserved address'],
  ['198.51.100.0/24', 'a reserved address'],
  ['203.0.113.0/24', 'a reserved address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'a reserved address'],
  ['::/128', 'an address of this machine'],
  ['::1/128', 'a loopback address'],
  ['fd00:ec2::/32', "a cloud's metadata service"],
  ['fd20:ce::/32', "a cloud's metadata service"],
  ['fc00::/7', 'a private address'],
  ['fe80::/10', 'a link-local address'],
  ['fec0::/10', 'a private address'],
  ['ff00::/8', 'a multicast address'],
  // Within the global addresses, these wrap others or belong to nobody.
  ['2001::/23', 'a reserved address'],
  ['2001:db8::/32', 'a reserved address'],
  ['2002::/16', 'an IPv4 address in the form of IPv6'],
  ['3fff::/20', 'a reserved address'],
];
/** All IPv6 addresses that machines on the internet have: https://www.iana.org/assignments/ipv6-address-space */
const GLOBAL_IPV6 = networks(['2000::/3']);
/** Networks without IPv4 reach IPv4 addresses by these: https://www.rfc-editor.org/rfc/rfc6052#section-2.1 */
const NAT64 = networks(['64:ff9b::/96']);

const KINDS = REFUSED.map(([network, what]) => ({ list: networks([network]), what }));

/** Which receivers webhooks may reach besides those at public addresses, which need https. */
export interface AddressPolicy {
  /** Allows every address, and http. */
  readonly allowPrivate: boolean;
  /** Allows these networks, and http to them. */
  readonly allowedNetworks: BlockList;
}

/** Thrown when a connection would lead where no webhook may be sent. The message is for a person. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
}

/**
 * Why no webhook may be sent over a connection.
 *
 * @param connection.address - the address that is connected to, never a name
 * @returns null when one may be sent
 */
export function refusalOfConnection(
  { address, protocol }: { readonly address: string; readonly protocol: string },
  { allowPrivate, allowedNetworks }: AddressPolicy,
): string | null {
  if (allowPrivate || isIn(allowedNetworks, address)) return null;
  const what = whatIsRefused(address);
  if (what !== null) return `${address} is ${what}`;
  return protocol === 'https:' ? null : 'webhooks are sent over https only';
}

/** @returns what the address is; null when it is an ordinary public one */
export function whatIsRefused(address: string): string | null {
  const kind = KINDS.find(({ list }) => isIn(list, address));
  if (kind !== undefined) return kind.what;
  switch (isIP(address)) {
    case 4:
      return null;
    case 6: {
      if (isIn(NAT64, address)) return whatIsRefused(lastFourBytes(address));
      return isIn(GLOBAL_IPV6, address) ? null : 'a reserved address';
    }
    default:
      return 'not an address';
  }
}

function isIn(list: BlockList, address: string): boolean {
  // The zone of a link-local address (fe80::1%eth0) is no part of it.
  const [bare = ''] = address.split('%');
  const version = isIP(bare);
  return version !== 0 && list.check(bare, version === 4 ? 'ipv4' : 'ipv6');
}

/** The IPv4 address in the last 32 bits of an IPv6 address. */
function lastFourBytes(address: string): string {
  // A URL writes each IPv6 address in one way: groups of hexadecimal digits, without a dotted end.
  const { hostname } = new URL(`http://[${address}]`);
  const [high = '', low = ''] = hostname.slice(1, -1).replace('::', ':0:0:').split(':').slice(-2);
  const bits = Number.parseInt(high || '0', 16) * 2 ** 16 + Number.parseInt(low || '0', 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}
