/** Every text in a value, at any depth. Bytes (payloads) are read as UTF-8. */
export function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString('utf8');
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      yield name;
      yield* textsIn(inner);
    }
  }
}

/** Sizes of all payloads in a value, in bytes. */
export function* payloadSizes(value: unknown): Generator<number> {
  if (value instanceof Uint8Array) yield value.length;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* payloadSizes(inner);
}
