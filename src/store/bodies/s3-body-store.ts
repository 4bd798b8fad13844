import type * as s3 from '@aws-sdk/client-s3';
import { codeOf } from '../../model/error-code.ts';
import { StoreError } from '../engines/store-error.ts';
import type { BodyStore } from './body-store.ts';

export interface S3Location {
  /** The address of an S3-compatible server; null for Amazon's own. */
  readonly endpoint: string | null;
  /** null leaves the region to the AWS client (AWS_REGION, profile). */
  readonly region: string | null;
}

/** S3-compatible servers mostly have no regions, but the client must name one. */
const ANY_REGION = 'us-east-1';
const CONNECT_TIMEOUT = 5_000;
/**
 * Milliseconds of silence on a connection before it is closed. The client's own `requestTimeout` only warns and keeps
 * waiting.
 */
const SILENCE_TIMEOUT = 60_000;

/**
 * Bodies in a bucket of S3 or of an S3-compatible server. Credentials are found as by every AWS client:
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of a container or an instance
 * (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
 */
export class S3BodyStore implements BodyStore {
  readonly url: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #location: S3Location;
  readonly #silence: number;
  #opened: Promise<{ readonly sdk: Sdk; readonly client: s3.S3Client }> | null = null;

  /** @param options.silence - milliseconds after which a silent connection is closed */
  constructor({
    bucket,
    prefix,
    location,
    silence = SILENCE_TIMEOUT,
  }: {
    bucket: string;
    prefix: string;
    location: S3Location;
    silence?: number;
  }) {
    this.url = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#location = location;
    this.#silence = silence;
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.#send(name, async ({ client, sdk }, at) => {
      await client.send(new sdk.PutObjectCommand({ ...at, Body: bytes, ContentType: 'application/octet-stream' }));
    });
  }

  get(name: string): Promise<Uint8Array | null> {
    return this.#send(name, async ({ client, sdk }, at) => {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand(at));
        return Body === undefined ? null : await Body.transformToByteArray();
      } catch (error) {
        // A missing bucket is a 404 as well, but says nothing about the object.
        if (error instanceof sdk.NoSuchKey) return null;
        throw error;
      }
    });
  }

  remove(name: string): Promise<void> {
    return this.#send(name, async ({ client, sdk }, at) => {
      await client.send(new sdk.DeleteObjectCommand(at));
    });
  }

  async tidy(): Promise<void> {
    // A bucket has no half-written objects.
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened !== null) (await opened).client.destroy();
  }

  async #send<Result>(
    name: string,
    request: (opened: { sdk: Sdk; client: s3.S3Client }, at: { Bucket: string; Key: string }) => Promise<Result>,
  ): Promise<Result> {
    try {
      const opening = (this.#opened ??= open(this.#location, this.#silence));
      const opened = await opening;
      return await request(opened, { Bucket: this.#bucket, Key: `${this.#prefix}${name}` });
    } catch (error) {
      throw new StoreError(
        { kind: 'unavailable' },
        `The bodies at ${this.url} cannot be reached: ${reasonOf(error)}.`,
        { cause: error },
      );
    }
  }
}

type Sdk = typeof s3;

/** Loads the client when a bucket is first used, so that other programs spend no time or memory on it. */
async function open({ endpoint, region }: S3Location, silence: number): Promise<{ sdk: Sdk; client: s3.S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  const chosenRegion = region ?? (endpoint === null ? null : ANY_REGION);
  const client = new sdk.S3Client({
    ...(chosenRegion === null ? {} : { region: chosenRegion }),
    // A bucket in the host name needs a DNS entry, which other servers seldom have.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    // Not all servers support the checksums of 2025. Bodies are verified by their own hash when they are read.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT, socketTimeout: silence },
  });
  return { sdk, client };
}

const BROKEN_OFF = 'the connection broke off';

const REASONS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket; create it, or name another in BODIES_URL',
  AccessDenied: 'access is denied; the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket',
  Forbidden: 'access is denied; the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket',
  InvalidAccessKeyId: 'the access key is unknown there; check AWS_ACCESS_KEY_ID and S3_ENDPOINT',
  SignatureDoesNotMatch: 'the secret key is wrong; check AWS_SECRET_ACCESS_KEY',
  CredentialsProviderError:
    'no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role',
  ExpiredToken: 'the credentials have expired; renew them',
  RequestTimeTooSkewed: "this machine's clock is wrong; set it by NTP",
  PermanentRedirect: 'the bucket is in another region; set AWS_REGION',
  ECONNREFUSED: 'nothing answers there; check S3_ENDPOINT, and that the server runs',
  ENOTFOUND: 'there is no such host; check S3_ENDPOINT',
  TimeoutError: 'no answer came in time',
  ECONNRESET: BROKEN_OFF,
  EPIPE: BROKEN_OFF,
  InternalError: 'its server failed',
  ServiceUnavailable: 'its server is not ready',
  SlowDown: 'it is asked too often',
};

/** Uses only the names of errors, since their texts may repeat keys and signed URLs. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the reason is unknown';
  const code = codeOf(error) ?? error.name;
  return REASONS[code] ?? REASONS[error.name] ?? `it answers ${error.name}`;
}
