/**
 * Searches everything that programs printed and stored for planted secrets, in each form that a secret may take there.
 */

export interface Haystack {
  readonly name: string;
  readonly text: string;
}

/**
 * The forms of a secret: as it is, escaped in JSON or in an address, in hexadecimal, and in base64 at each of its three
 * alignments.
 */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first and the last characters depend on the text around the secret.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)].filter((form) => form.length >= 6);
}

/** Which secrets were found, and where. A secret is reported by its name, never by its value. */
export function findSecrets(
  haystacks: readonly Haystack[],
  secrets: Readonly<Record<string, string | readonly string[]>>,
): string[] {
  const found: string[] = [];
  for (const [what, values] of Object.entries(secrets)) {
    for (const form of [values].flat().flatMap(formsOf)) {
      for (const { name, text } of haystacks) {
        const at = text.indexOf(form);
        if (at >= 0) found.push(`${what} in ${name}: …${text.slice(Math.max(0, at - 60), at)}[here]`);
      }
    }
  }
  return found;
}
