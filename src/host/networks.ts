import { BlockList, isIP } from 'node:net';

/** Thrown when a text is not a network in CIDR notation. */
export class InvalidNetworkError extends Error {
  override readonly name = 'InvalidNetworkError';
}

/**
 * A list of networks such as `10.1.0.0/16` or `fd12::/16`; a single address is a network of one.
 *
 * @throws {InvalidNetworkError} when a text is not a network
 */
export function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', prefix, ...rest] = text.split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const length = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || address.includes('%') || rest.length > 0 || !(length <= most))
      throw new InvalidNetworkError(`"${text}" is not a network: write it like 10.1.0.0/16 or fd12:3456::/32`);
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
