/** How requests reach Gmail: undici in production, or the simulator in the same process. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** The largest allowed answer in bytes, as received and after decompression; {@link SMALL_ANSWER} when absent. */
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const MIB = 2 ** 20;
/** The largest allowed answer in bytes when the request does not say. */
export const SMALL_ANSWER = 4 * MIB;

/** Thrown when an answer is larger than its request allows. A request for less at once gets a smaller answer. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';

  constructor(maxBytes: number, options?: ErrorOptions) {
    super(
      `the answer is larger than ${maxBytes < MIB ? `${maxBytes} bytes` : `${Math.floor(maxBytes / MIB)} MiB`}`,
      options,
    );
  }
}
