import { addressParser } from 'postal-mime';
import type { MailAddress } from '../../model/mail-address.ts';
import { decodedText, type HeaderField } from './header-field.ts';

/**
 * The addresses in every header of a name. A group counts as its members.
 *
 * @param name - the header's name, in lower case
 */
export function addressesIn(fields: readonly HeaderField[], name: string): readonly MailAddress[] {
  return fields.filter((field) => field.name.toLowerCase() === name).flatMap(({ value }) => parsed(value));
}

/**
 * Gmail decodes names in the headers of a message resource, and then a comma in a name is no longer quoted: `Doe, Jane
 * <jane@example.com>`. Every mailbox has an address (RFC 5322), so a part without one begins the next part's name.
 */
function parsed(value: string): readonly MailAddress[] {
  const addresses: MailAddress[] = [];
  let begun: string[] = [];
  for (const { name, address } of addressParser(value, { flatten: true })) {
    const [shown, reached] = [decodedText(name), decodedText(address ?? '')];
    if (reached === '') begun.push(shown);
    else {
      addresses.push({ name: [...begun, shown].filter((part) => part !== '').join(', '), address: reached });
      begun = [];
    }
  }
  return [...addresses, ...begun.filter((name) => name !== '').map((name) => ({ name, address: '' }))];
}
