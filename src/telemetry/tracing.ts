import { SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { detectResourcesSync, envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';

import type { TracingConfig } from '../config/tracing-variables.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { Tracing } from './open-tracing.ts';
import { workflowTracingModules } from './workflow-tracing-modules.ts';

let opened: Promise<Tracing> | null = null;

/** Sets OpenTelemetry up, once for the process. */
export function tracing(protocol: TracingConfig['protocol']): Promise<Tracing> {
  opened ??= exporterOf(protocol).then(open);
  return opened;
}

async function exporterOf(protocol: TracingConfig['protocol']): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  return new OTLPTraceExporter();
}

function open(exporter: SpanExporter): Tracing {
  const resource = new Resource({ [ATTR_SERVICE_NAME]: 'tidemark' }).merge(
    detectResourcesSync({ detectors: [envDetectorSync] }),
  );
  const processor = new BatchSpanProcessor(exporter);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  // Baggage is not propagated: an application's baggage would end up in Temporal's histories.
  provider.register({
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: new W3CTraceContextPropagator(),
  });
  const tracer = trace.getTracer('tidemark');
  const clientInterceptors = [new OpenTelemetryWorkflowClientInterceptor({ tracer })];
  return {
    span: spanBy(tracer),
    clientInterceptors,
    workerOptions: {
      interceptors: {
        workflowModules: workflowTracingModules(),
        client: { workflow: clientInterceptors },
        activity: [
          (context) => ({
            inbound: new OpenTelemetryActivityInboundInterceptor(context, { tracer }),
            outbound: new OpenTelemetryActivityOutboundInterceptor(context),
          }),
        ],
      },
      sinks: { exporter: makeWorkflowExporter(processor, resource) },
    },
    flush: () => processor.forceFlush().catch(() => undefined),
  };
}

function spanBy(tracer: Tracer): Telemetry['span'] {
  return (name, attributes, work) =>
    tracer.startActiveSpan(name, { attributes }, async (span) => {
      try {
        return await work({ set: (more) => void span.setAttributes(more) });
      } catch (error) {
        // Only the error's name is recorded, because its message may be private. The attributes say what happened.
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : typeof error });
        throw error;
      } finally {
        span.end();
      }
    });
}
