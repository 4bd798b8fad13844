import type { Random } from './random.ts';

/**
 * Gmail's ids are 16 hexadecimal digits that begin with the time in milliseconds.
 *
 * @param isTaken - whether a message already has the id; an id of the next millisecond is tried then
 */
export function newMessageId(time: number, random: Random, isTaken: (id: string) => boolean): string {
  const id = ((BigInt(Math.max(1, Math.trunc(time))) << 20n) + BigInt(random.int(2 ** 20)))
    .toString(16)
    .padStart(16, '0');
  return isTaken(id) ? newMessageId(time + 1, random, isTaken) : id;
}
