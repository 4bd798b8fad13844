import { loadClientConnectConfig } from '@temporalio/envconfig';

/**
 * How to reach Temporal, as `@temporalio/envconfig` reads it from `TEMPORAL_*` and from Temporal's own configuration
 * file.
 */
export interface TemporalConnection {
  /** `host:port`; null when neither the environment nor the file names a server. */
  readonly address: string | null;
  /** Temporal's namespace: `TEMPORAL_NAMESPACE`. */
  readonly namespace: string;
  /** For `Connection.connect` and `NativeConnection.connect`, beside the address. */
  readonly options: ConnectionOptions;
}

type ConnectionOptions = Omit<ReturnType<typeof loadClientConnectConfig>['connectionOptions'], 'address'>;

/**
 * Reads how to reach Temporal. An empty variable counts as unset: compose files pass missing variables on as empty
 * ones, and an empty `TEMPORAL_API_KEY` would turn TLS on.
 *
 * @throws {Error} when Temporal's configuration file cannot be read or lacks the profile that `TEMPORAL_PROFILE` names
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export function readTemporalConnection(env: NodeJS.ProcessEnv): TemporalConnection {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') given[name] = value;
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: given });
  const { address, ...options } = connectionOptions;
  return { address: address ?? null, namespace: namespace ?? 'default', options };
}
