import { decodedText, type HeaderField } from '../store/headers/header-field.ts';

/** The headers of a message, decoded and unfolded. A loop over them gives each field, in the message's order. */
export interface DecodedHeaders extends Iterable<HeaderField> {
  /** Every field, in the message's order. */
  readonly list: readonly HeaderField[];
  /**
   * The first header of that name.
   *
   * @param name - in any case
   * @returns null when the message has none
   * @example (await message.headers()).get('List-Unsubscribe')
   */
  get(name: string): string | null;
  /**
   * Every header of that name, such as `Received`, in the message's order.
   *
   * @param name - in any case
   * @returns none when the message has none
   */
  all(name: string): readonly string[];
}

/** @param fields - as they are stored, with encoded words */
export function decodedHeaders(fields: readonly HeaderField[]): DecodedHeaders {
  const list = fields.map(({ name, value }) => ({ name, value: decodedText(value) }));
  const all = (name: string): readonly string[] => {
    const wanted = name.toLowerCase();
    return list.flatMap((field) => (field.name.toLowerCase() === wanted ? [field.value] : []));
  };
  return { list, all, get: (name) => all(name)[0] ?? null, [Symbol.iterator]: () => list[Symbol.iterator]() };
}
