import { attachmentOf, parseMessage, payloadOf, type Payload } from '../../src/simulator/payload.ts';

/**
 * Whether a FULL body holds the bytes of every part exactly as in the mail. Attachments may be missing if the settings
 * do not ask for them, but those that are held must be right.
 */
export function holdsParts(body: Uint8Array, raw: Buffer, attachments: boolean): boolean {
  const { root } = parseMessage(raw);
  const { payload } = JSON.parse(Buffer.from(body).toString('utf8')) as { readonly payload: Payload };
  const held = new Map(leaves(payload).map((part) => [part.partId, part]));
  const parts = leaves(payloadOf('m', root));
  return (
    held.size === parts.length &&
    parts.every(({ partId, body: { attachmentId, data } }) => {
      const mine = held.get(partId)?.body.data;
      if (attachmentId === undefined) return mine === data;
      if (mine === undefined) return !attachments;
      return attachmentOf('m', attachmentId, root)?.equals(Buffer.from(mine, 'base64url')) === true;
    })
  );
}

function leaves(part: Payload): Payload[] {
  return [part, ...(part.parts ?? []).flatMap(leaves)];
}
