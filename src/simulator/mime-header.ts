/** A structured header such as Content-Type: its value, and its parameters by lower-case name. */
export interface StructuredHeader {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/g;

export function splitHeader(text: string): StructuredHeader {
  const end = text.indexOf(';');
  const parameters = new Map<string, string>();
  if (end >= 0) {
    for (const [, name = '', quoted, plain = ''] of text.slice(end).matchAll(PARAMETER)) {
      const value = quoted === undefined ? plain.trim() : quoted.replace(/\\(.)/g, '$1');
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
    }
  }
  return { value: (end < 0 ? text : text.slice(0, end)).trim(), parameters };
}

/**
 * A parameter in any of its forms: plain, extended (`name*=utf-8''…`), or continued (`name*0=`, `name*1*=`); see RFC
 * 2231.
 */
export function parameter(header: StructuredHeader, name: string): string | null {
  const extended = header.parameters.get(`${name}*`);
  if (extended !== undefined) return decodeExtended(extended);
  const plain = header.parameters.get(name);
  if (plain !== undefined) return plain;

  let joined: string | null = null;
  let isExtended = false;
  for (let i = 0; ; i++) {
    const encoded = header.parameters.get(`${name}*${i}*`);
    const piece = encoded ?? header.parameters.get(`${name}*${i}`);
    if (piece === undefined) break;
    if (i === 0) isExtended = encoded !== undefined;
    joined = (joined ?? '') + piece;
  }
  return joined !== null && isExtended ? decodeExtended(joined) : joined;
}

function decodeExtended(text: string): string {
  const [, charset = 'utf-8', encoded = text] = /^([^']*)'[^']*'(.*)$/s.exec(text) ?? [];
  const bytes = Buffer.from(
    encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
