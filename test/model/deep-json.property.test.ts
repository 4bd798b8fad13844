import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytesOfBase64, base64url } from '../../src/model/base64url.ts';
import { deepJson } from '../../src/model/deep-json.ts';

it('JSON of any depth is read back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('{"a":1,"b":', '[0,'), (value, open) => {
      const depth = 10_000;
      const text = `${open.repeat(depth)}${JSON.stringify(value)}${(open === '[0,' ? ']' : '}').repeat(depth)}`;
      expect(deepJson(JSON.parse(text)) === text).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it('bytes come back from base64url, and text with a foreign character is refused', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      fc.nat(),
      fc.constantFrom('*', ' ', '\n', 'é', '='),
      (bytes, at, intruder) => {
        const text = base64url(bytes);
        expect(bytesOfBase64(text)).toEqual(Buffer.from(bytes));
        const unpadded = text.replace(/=+$/, '');
        expect(bytesOfBase64(unpadded)).toEqual(Buffer.from(bytes));
        const place = at % unpadded.length;
        expect(bytesOfBase64(`${unpadded.slice(0, place)}${intruder}${unpadded.slice(place + 1)}x`)).toBeNull();
      },
    ),
  );
});
