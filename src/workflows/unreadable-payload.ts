import { boundedText } from '../model/bounded-text.ts';

/** Stands for an argument that is no JSON: no handler takes it for anything that it knows. */
export class UnreadablePayload {
  /** A sentence's end for the person who sent it. */
  readonly why: string;

  /** @param encoding - what its sender called it; empty when the sender named none */
  constructor(encoding: string) {
    this.why =
      encoding === JSON_ENCODING
        ? 'it is no valid JSON'
        : `it must be JSON (the encoding ${JSON_ENCODING}), and has ` +
          (encoding === '' ? 'no encoding' : `the encoding "${boundedText(encoding, QUOTED)}"`);
  }
}

const JSON_ENCODING = 'json/plain';
/** A message repeats this many characters of what somebody sent. */
const QUOTED = 100;
