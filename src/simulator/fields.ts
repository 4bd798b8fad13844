import { invalidArgument } from './api-error.ts';

/**
 * A parsed `fields` parameter; null keeps all nested fields.
 * https://developers.google.com/workspace/gmail/api/guides/performance#partial
 */
type Mask = Map<string, Mask | null>;

/**
 * Reduces a JSON answer to the requested fields.
 * @throws {ApiError} 400 when the mask cannot be read
 */
export function selectFields(json: string, fields: string): string {
  const mask = parseMask(fields);
  const value: unknown = JSON.parse(json);
  return JSON.stringify(select(value, mask));
}

function select(value: unknown, mask: Mask | null): unknown {
  if (mask === null || mask.has('*')) return mask === null ? value : selectAll(value, mask.get('*') ?? null);
  if (Array.isArray(value)) return value.map((item) => select(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const below = mask.get(name);
      return below === undefined ? [] : [[name, select(inner, below)]];
    }),
  );
}

function selectAll(value: unknown, mask: Mask | null): unknown {
  if (Array.isArray(value)) return value.map((item) => selectAll(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, select(inner, mask)]));
}

/** `a,b(c,d),e/f` */
function parseMask(text: string): Mask {
  let at = 0;
  const list = (closing: string): Mask => {
    const mask: Mask = new Map();
    while (at < text.length && text[at] !== closing) {
      item(mask);
      if (text[at] === ',') at += 1;
      else if (at < text.length && text[at] !== closing) throw invalidArgument(`Invalid field selection ${text}`);
    }
    return mask;
  };
  const item = (mask: Mask): void => {
    const name = /^\s*([\w*.-]+)\s*/.exec(text.slice(at));
    if (name?.[1] === undefined) throw invalidArgument(`Invalid field selection ${text}`);
    at += name[0].length;
    if (text[at] === '/') {
      at += 1;
      const below: Mask = new Map();
      item(below);
      mask.set(name[1], merge(mask.get(name[1]), below));
    } else if (text[at] === '(') {
      at += 1;
      const below = list(')');
      if (text[at] !== ')') throw invalidArgument(`Invalid field selection ${text}`);
      at += 1;
      mask.set(name[1], merge(mask.get(name[1]), below));
    } else mask.set(name[1], null);
  };
  const mask = list('\0');
  if (mask.size === 0) throw invalidArgument(`Invalid field selection ${text}`);
  return mask;
}

function merge(before: Mask | null | undefined, below: Mask): Mask | null {
  if (before === null) return null;
  return before === undefined ? below : new Map([...before, ...below]);
}
