import { describe, expect, it } from 'vitest';

import { whatIsRefused } from '../../../src/deliveries/webhooks/address-guard.ts';
import { InvalidNetworkError, networks } from '../../../src/host/networks.ts';
import { useSending } from './sending.ts';

const addresses = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Addresses that are not public, and the words for them. */
const REFUSED = {
  'an address of this machine': addresses('0.0.0.0 0.1.2.3 ::'),
  'a loopback address': addresses('127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1'),
  'a private address': addresses(`10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1
    100.127.255.255 fc00::1 fd12:3456::1 fec0::1`),
  'a link-local address': addresses('169.254.0.1 fe80::1 fe80::1%eth0 febf::1'),
  "a cloud's metadata service": addresses(`169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 fd00:ec2::254
    fd20:ce::254 ::ffff:a9fe:a9fe`),
  'a multicast address': addresses('224.0.0.1 239.255.255.255 ff02::1'),
  'a reserved address': addresses(`192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
    240.0.0.1 255.255.255.255 100::1 2001:db8::1 2001::1 3fff::1 5f00::1 64:ff9b:1::7f00:1 ::127.0.0.1 4000::1
    ::ffff:8.8.8.8`),
  'an IPv4 address in the form of IPv6': addresses('2002:7f00:1:: 2002:808:808::'),
};

describe('an address', () => {
  it.each(Object.entries(REFUSED).flatMap(([what, all]) => all.map((address) => ({ what, address }))))(
    '$address is $what',
    ({ what, address }) => {
      expect(whatIsRefused(address)).toBe(what);
    },
  );

  it.each(['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::', '64:ff9b::a00:1'])(
    '%s is refused as the IPv4 address that NAT64 makes of it',
    (address) => {
      expect(whatIsRefused(address)).toMatch(/loopback|metadata|of this machine|private/);
    },
  );

  it.each(
    addresses(`1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 169.253.255.255 172.15.255.255
      172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1
      64:ff9b::808:808`),
  )('%s is public', (address) => {
    expect(whatIsRefused(address)).toBeNull();
  });

  it.each(['', 'localhost', '127.1', '1.2.3.4.5'])('%j is not an address', (address) => {
    expect(whatIsRefused(address)).toBe('not an address');
  });
});

describe('an allowed network', () => {
  it.each(['10.1.0.0/16', '192.168.1.5', 'fd12:3456::/32', '::1'])('may be %s', (text) => {
    expect(() => networks([text])).not.toThrow();
  });

  it.each(['', 'internal', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', '::1/129', '10.0.0.0/-1'])(
    'is refused as %j',
    (text) => {
      expect(() => networks([text])).toThrow(InvalidNetworkError);
    },
  );
});

/** Ways of writing the address of a receiver that listens on 127.0.0.1, or addresses that a product must not reach. */
const WAYS = [
  'http://127.0.0.1',
  'https://127.0.0.1',
  'http://127.0.0.1.',
  'http://127.1',
  'http://127.0.1',
  'http://2130706433',
  'http://0x7f000001',
  'http://0x7f.0x0.0x0.0x1',
  'http://0x7f.1',
  'http://017700000001',
  'http://0177.0.0.1',
  'http://0177.0x0.0.1',
  'http://00000177.0.0.1',
  'http://127.0.0.1%2e',
  'http://%31%32%37.0.0.1',
  'http://①②⑦.⓪.⓪.①',
  'http://127。0。0。1',
  'http://[::1]',
  'http://[0:0:0:0:0:0:0:1]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[0:0:0:0:0:ffff:7f00:0001]',
  'http://[::127.0.0.1]',
  'http://[64:ff9b::127.0.0.1]',
  'http://[64:ff9b:1::7f00:1]',
  'http://[2002:7f00:1::]',
  'http://0',
  'http://0.0.0.0',
  'http://[::]',
  'http://127.255.255.254',
  'http://user@127.0.0.1',
  'http://example.com@127.0.0.1',
  'http://127.0.0.1#@example.com',
  'http:\\\\127.0.0.1',
  'http:127.0.0.1',
  'https://169.254.169.254',
  'https://[fe80::a9fe:a9fe]',
  'https://[fd00:ec2::254]',
  'https://10.0.0.1',
  'https://172.16.0.1',
  'https://192.168.0.1',
  'https://100.64.0.1',
  'https://224.0.0.1',
];
/** Names, and what they resolve to. */
const NAMES = {
  localhost: ['127.0.0.1'],
  'localhost.': ['127.0.0.1'],
  LOCALHOST: ['::1'],
  'anything.localhost': ['127.0.0.1'],
  'private.example.com': ['10.0.0.1'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'nat64.example.com': ['64:ff9b::7f00:1'],
  'link-local.example.com': ['fe80::1%1'],
  'metadata.google.internal': ['169.254.169.254'],
  'public-first.example.com': ['93.184.215.14', '127.0.0.1'],
  'private-first.example.com': ['127.0.0.1', '93.184.215.14'],
  'both-families.example.com': ['2606:2800:21f::1', '::1'],
};

describe('a webhook is not sent to', () => {
  const { receiver, sender } = useSending();
  const resolve = async (hostname: string) =>
    (Object.entries(NAMES).find(([name]) => name.toLowerCase() === hostname)?.[1] ?? []).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));

  it.each([...WAYS, ...Object.keys(NAMES).flatMap((name) => [`https://${name}`, `http://${name}`])])(
    '%s',
    async (way) => {
      const server = await receiver({ host: '0.0.0.0' });
      // The port goes behind the host, and before what follows it.
      const url = /^[^#]*/.exec(way)?.[0] ?? way;
      const outcome = await sender({ resolve })(`${url}:${server.port}/hook${way.slice(url.length)}`);
      expect(outcome).toMatchObject({ kind: 'refused', reason: expect.any(String) });
      expect(server.connections).toBe(0);
    },
  );

  it('a private address that a public name has changed to', async () => {
    // For this sender 127.0.0.1 stands for a public address, and 127.0.0.2 for a private one.
    const first = await receiver();
    const second = await receiver({ host: '127.0.0.2', port: first.port });
    first.answer = (response) => void response.writeHead(200, { connection: 'close' }).end();
    let asked = 0;
    const send = sender({
      allowedNetworks: ['127.0.0.1/32'],
      resolve: async () => [{ address: `127.0.0.${Math.min(++asked, 2)}`, family: 4 }],
    });
    const url = `http://changing.example.com:${first.port}/`;
    expect(await send(url)).toEqual({ kind: 'accepted' });
    // Nothing else asked for the name between the check and the connection.
    expect(asked).toBe(1);
    expect(await send(url)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('127.0.0.2') });
    expect(second.connections).toBe(0);
  });

  it('the place that a redirect names', async () => {
    const allowed = await receiver();
    const other = await receiver({ host: '127.0.0.2' });
    const send = sender({ allowedNetworks: ['127.0.0.1'] });
    for (const status of [301, 302, 303, 307, 308]) {
      allowed.answers(status, { location: `http://127.0.0.2:${other.port}/` });
      expect(await send(`http://127.0.0.1:${allowed.port}/`)).toMatchObject({
        kind: 'retry',
        reason: `127.0.0.1:${allowed.port} answered ${status}, a redirect, which is not followed`,
      });
    }
    expect(other.connections).toBe(0);
  });

  it('a private address over an open connection of a target that may reach it', async () => {
    const server = await receiver();
    const send = sender({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const url = `http://internal.example.com:${server.port}/`;
    expect(await send(url, { allowPrivate: true })).toEqual({ kind: 'accepted' });
    expect(await send(url)).toMatchObject({ kind: 'refused' });
    expect(server.received.length).toBe(1);
  });

  it('a network other than the allowed ones', async () => {
    const server = await receiver({ host: '0.0.0.0' });
    const send = sender({ allowedNetworks: ['127.0.0.2', 'fd12::/16'] });
    expect(await send(`http://127.0.0.2:${server.port}/`)).toEqual({ kind: 'accepted' });
    expect(await send(`http://127.0.0.3:${server.port}/`)).toMatchObject({ kind: 'refused' });
  });

  it('a public address over http', async () => {
    const send = sender({ resolve: async () => [{ address: '93.184.215.14', family: 4 }] });
    expect(await send('http://plain.example.com/')).toEqual({
      kind: 'refused',
      reason:
        'No webhook is sent to plain.example.com: webhooks are sent over https only. Give a public https URL, ' +
        'allow private addresses for it, or allow its network.',
    });
  });

  it.each([
    '',
    'nonsense',
    '/hook',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://u:p@example.com/',
    'https://',
  ])('the URL %j', async (url) => {
    expect(await sender()(url, { allowPrivate: true })).toMatchObject({ kind: 'refused' });
  });
});
