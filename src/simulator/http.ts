/**
 * A request as it reaches the simulator, in process or through its HTTP server. It has the shape of a client's
 * transport request.
 */
export interface SimulatorRequest {
  /** The HTTP method. */
  readonly method: string;
  /** The URL; the host is ignored. */
  readonly url: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body; none for a GET. */
  readonly body?: string | Buffer;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** An answer of the simulated Gmail. */
export interface SimulatorResponse {
  /** The HTTP status. */
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly body: Buffer;
  /** The body's length before a fault cut it off; only set when one did. */
  readonly fullLength?: number;
}

/** One API call: a whole request, or a part of a batch. */
export interface ApiCall {
  readonly httpMethod: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly contentType: string;
  readonly body: string | Buffer;
}

export interface ApiAnswer {
  readonly status: number;
  /** Empty for 204; not JSON when `contentType` says so. */
  readonly json: string;
  readonly contentType?: string;
}

export const JSON_TYPE = 'application/json; charset=UTF-8';
