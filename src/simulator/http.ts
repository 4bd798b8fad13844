/**
 * A request as it reaches the simulator, in process or through its HTTP server. It has the shape of a client's
 * transport request.
 */
export interface SimulatorRequest {
  readonly method: string;
  readonly url: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** An answer of the simulated Gmail. */
export interface SimulatorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
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
