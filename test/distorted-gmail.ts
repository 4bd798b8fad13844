import type { HttpResponse, Transport } from '../src/gmail/api/transport.ts';

export type Json = Record<string, unknown>;

/** What a message of an answer is changed into; the same object leaves it as it is. */
export type Distortion = (message: Json, asked: { readonly format: string | null }) => unknown;

/**
 * A transport under which the resources of single messages, in batches and within threads, and of attachments, come
 * changed.
 */
export function distorting(
  transport: Transport,
  { message, attachment }: { message?: Distortion; attachment?: (json: Json) => unknown },
): Transport {
  return async (request) => {
    const answer = await transport(request);
    if (request.url.includes('/batch/'))
      return withBody(
        answer,
        distortBatch(answer.body.toString('utf8'), request.body ?? '', message ?? ((json) => json)),
      );
    if (attachment !== undefined && request.url.includes('/attachments/'))
      return withBody(answer, JSON.stringify(attachment(JSON.parse(answer.body.toString('utf8')) as Json)));
    return answer;
  };
}

const withBody = (answer: HttpResponse, text: string): HttpResponse => ({ ...answer, body: Buffer.from(text) });

/** The parts of a batch's answer are JSON after an empty line, up to the next delimiter. */
function distortBatch(answer: string, request: string, distortion: Distortion): string {
  const formats = [...request.matchAll(/^GET [^\s]*?format=(\w+)/gm)].map(([, format]) => format ?? null);
  return answer.replace(
    /(response-part-(\d+)[\s\S]*?\r\n\r\n[\s\S]*?\r\n\r\n)(\{[\s\S]*?\})(?=\r\n--)/g,
    (whole, head: string, part: string, text: string) => {
      const json = JSON.parse(text) as Json;
      const asked = { format: formats[Number(part)] ?? null };
      if ('error' in json) return whole;
      const changed = Array.isArray(json['messages'])
        ? { ...json, messages: (json['messages'] as Json[]).map((message) => distortion(message, asked)) }
        : distortion(json, asked);
      return `${head}${JSON.stringify(changed)}`;
    },
  );
}
