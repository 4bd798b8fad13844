/** How bytes reach Gmail: undici in production, the simulator itself in process. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Bytes that the answer may have, as received and after decompression; absent: {@link SMALL_ANSWER}. */
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const MIB = 2 ** 20;
/** What an answer may have in bytes where its request does not say. */
export const SMALL_ANSWER = 4 * MIB;

/** Thrown when an answer grows beyond what its request allows. Asking for less at once gets a smaller one. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';

  constructor(maxBytes: number, options?: ErrorOptions) {
    super(`the answer is larger than ${maxBytes < MIB ? `${maxBytes} bytes` : `${Math.floor(maxBytes / MIB)} MiB`}`, options);
  }
}
