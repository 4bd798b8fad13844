import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/config-error.ts';

const read = (env: NodeJS.ProcessEnv) => loadConfig({ env: { HOME: '/nowhere', ...env } }).telemetry;

describe('METRICS_ADDRESS', () => {
  it('is off when it is not given', () => {
    expect(read({}).metricsAddress).toBeNull();
  });

  it.each([
    ['127.0.0.1:9464', '127.0.0.1:9464'],
    ['0.0.0.0:9464', '0.0.0.0:9464'],
    ['[::]:9464', '[::]:9464'],
    ['localhost:9464', '127.0.0.1:9464'],
    ['9464', '127.0.0.1:9464'],
  ])('%s listens on %s', (given, expected) => {
    expect(read({ METRICS_ADDRESS: given }).metricsAddress).toBe(expected);
  });

  it.each(['metrics.internal:9464', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:70000', 'http://127.0.0.1:9464'])(
    '%s is refused',
    (given) => {
      expect(() => read({ METRICS_ADDRESS: given })).toThrow(ConfigError);
    },
  );
});

describe('HEALTH_ADDRESS', () => {
  it.each([
    ['0.0.0.0:8081', { host: '0.0.0.0', port: 8081 }],
    ['8081', { host: '127.0.0.1', port: 8081 }],
    ['[::1]:0', { host: '::1', port: 0 }],
  ])('%s is listened on', (given, expected) => {
    expect(read({ HEALTH_ADDRESS: given }).healthAddress).toEqual(expected);
  });

  it('is off when it is not given, and refused when it is not an address', () => {
    expect(read({}).healthAddress).toBeNull();
    expect(() => read({ HEALTH_ADDRESS: 'everywhere' })).toThrow(/HEALTH_ADDRESS is "everywhere": expected an address/);
  });
});

describe('METRICS_INTERVAL', () => {
  it('is 15 seconds when it is not given, and else a duration of a second or more', () => {
    expect(read({}).metricsInterval).toBe(15_000);
    expect(read({ METRICS_INTERVAL: '1m30s' }).metricsInterval).toBe(90_000);
    for (const wrong of ['500ms', 'often', '15']) expect(() => read({ METRICS_INTERVAL: wrong })).toThrow(ConfigError);
  });
});

describe('OTEL_*', () => {
  const tracing = (env: NodeJS.ProcessEnv) => loadConfig({ env: { HOME: '/nowhere', ...env } }).tracing;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  it('switch tracing on with an endpoint, for all signals or for traces', () => {
    expect(tracing({})).toEqual({ isOn: false, protocol: 'http/protobuf' });
    expect(tracing(endpoint)).toEqual({ isOn: true, protocol: 'http/protobuf' });
    expect(tracing({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector:4318/v1/traces' }).isOn).toBe(true);
  });

  it('switch tracing off', () => {
    expect(tracing({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).isOn).toBe(false);
    expect(tracing({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).isOn).toBe(false);
  });

  it('choose the protocol: the variable for traces comes first', () => {
    const json = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    expect(tracing(json).protocol).toBe('http/json');
    expect(tracing({ ...json, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' }).protocol).toBe('http/protobuf');
    expect(() => tracing({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(
      'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": expected http/protobuf or http/json',
    );
  });
});
