/**
 * Tidemark's metrics by their Prometheus names. Tests hold the dashboard, the alerts and docs/operations.md to this
 * table.
 *
 * A label has few values, all known to the program. Mailboxes are not a label: tens of thousands of them would multiply
 * every series, and an exporter never forgets a series. `tidemark status` shows what one mailbox used.
 *
 * @see https://prometheus.io/docs/practices/naming/
 */
export const METRICS = {
  tidemark_quota_units_total: {
    kind: 'counter',
    help: 'Quota units by method: used, or asked for by calls that Gmail rejected, which cost nothing',
    labels: ['method', 'outcome'],
  },
  tidemark_gmail_calls_total: {
    kind: 'counter',
    help: 'Calls to Gmail by method; each call of a batch counts',
    labels: ['method', 'outcome'],
  },
  tidemark_gmail_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time that Gmail takes to answer a request; a batch is one',
    labels: ['method', 'outcome'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  tidemark_messages_stored_total: {
    kind: 'counter',
    help: 'Messages that became readable in the store',
    labels: ['lane'],
  },
  tidemark_history_changes_total: {
    kind: 'counter',
    help: 'Changes of messages in the history of Gmail, by what they did to the store',
    labels: ['change'],
  },
  tidemark_listings_doubted_total: {
    kind: 'counter',
    help: 'Listings that ended in doubt: Gmail counts more than it lists, or does not list what is held',
    labels: [],
  },
  tidemark_deliveries_total: {
    kind: 'counter',
    help: 'Attempts to deliver changes to subscriptions, by what came of them',
    labels: ['outcome'],
  },
  tidemark_delivered_changes_total: {
    kind: 'counter',
    help: 'Changes that targets of subscriptions accepted',
    labels: [],
  },
  tidemark_parked_changes_total: {
    kind: 'counter',
    help: 'Changes that were parked, because the target did not accept them',
    labels: [],
  },
  tidemark_notification_lag_seconds: {
    kind: 'histogram',
    help: 'Time from the first poke that a partial sync served to the end of that sync, its new mail stored',
    labels: [],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
  },
  tidemark_notifications_total: {
    kind: 'counter',
    help: 'Push notifications by what became of them',
    labels: ['outcome'],
  },
  tidemark_activity_duration_seconds: {
    kind: 'histogram',
    help: 'Time that attempts of activities take',
    labels: ['activity', 'outcome'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800],
  },
  tidemark_activity_failures_total: {
    kind: 'counter',
    help: 'Attempts of activities that failed, by the type in docs/errors.md',
    labels: ['activity', 'type'],
  },
  tidemark_clock_skew_seconds: {
    kind: 'gauge',
    help: "Seconds that a worker's clock is ahead of Temporal's server and of Gmail; below 0 it is behind",
    labels: ['against'],
  },
  tidemark_mailboxes: { kind: 'gauge', help: 'Running mailboxes by phase, as Temporal lists them', labels: ['phase'] },
  tidemark_pending_messages: {
    kind: 'gauge',
    help: 'Messages that are known and not fetched yet',
    labels: [],
  },
  tidemark_failed_messages: {
    kind: 'gauge',
    help: 'Messages that could not be fetched; they are tried again ever more rarely',
    labels: [],
  },
  tidemark_doubted_mailboxes: {
    kind: 'gauge',
    help: 'Mailboxes whose last listing does not agree with what Gmail counts, or with what is held',
    labels: [],
  },
  tidemark_observed_timestamp_seconds: {
    kind: 'gauge',
    help: 'When the mailboxes and messages were last counted, by what was asked',
    labels: ['source'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

type Metrics = typeof METRICS;
export type MetricName = keyof Metrics;
type NameOf<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: Metrics[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
/** A metric that counts. */
export type CounterName = NameOf<'counter'>;
/** A metric that goes up and down. */
export type GaugeName = NameOf<'gauge'>;
/** A metric of durations or sizes. */
export type HistogramName = NameOf<'histogram'>;
/** A value for each label that the table names, and for no other. */
export type LabelsOf<Name extends MetricName> = { readonly [Label in Metrics[Name]['labels'][number]]: string };

/** Attributes of a span: mailbox ids, counts, times and outcomes. Never message ids, headers or tokens. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span of a trace. */
export interface Span {
  /**
   * Adds attributes to the span.
   *
   * @param attributes - ids and counts; no mail
   */
  set(attributes: SpanAttributes): void;
}

/** How code reports metrics and spans. Reporting never throws and never waits. */
export interface Telemetry {
  /**
   * Adds to a counter: a whole number, not below 0.
   *
   * @param name - the counter's
   * @param value - by how much
   * @param labels - the counter's labels
   */
  add<Name extends CounterName>(name: Name, value: number, labels: LabelsOf<Name>): void;
  /**
   * Sets a gauge.
   *
   * @param name - the gauge's
   * @param value - what it is now, in the unit that the name ends in
   * @param labels - the gauge's labels
   */
  set<Name extends GaugeName>(name: Name, value: number, labels: LabelsOf<Name>): void;
  /**
   * Records a value in a histogram.
   *
   * @param value in the unit that the name ends in
   * @param name - the histogram's
   * @param labels - the histogram's labels
   */
  observe<Name extends HistogramName>(name: Name, value: number, labels: LabelsOf<Name>): void;
  /**
   * Runs `work` within a span of the current trace. An error that it throws is recorded on the span and rethrown.
   *
   * @param name - the span's
   * @param attributes - ids and counts; no mail
   * @param work - what the span lasts for
   * @returns what `work` returns
   */
  span<Result>(name: string, attributes: SpanAttributes, work: (span: Span) => Promise<Result>): Promise<Result>;
}

/** Reports nothing. */
export const noTelemetry: Telemetry = {
  add: () => undefined,
  set: () => undefined,
  observe: () => undefined,
  span: (_name, _attributes, work) => work({ set: () => undefined }),
};
