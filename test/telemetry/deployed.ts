import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const read = (path: string): string => readFileSync(pathOf(path), 'utf8');

/** The files as they are deployed. */
export const DASHBOARD = read('deploy/grafana/dashboards/tidemark.json');
export const ALERTS = read('deploy/prometheus/alerts.yml');

/** Names of metrics in a text of PromQL, as an endpoint shows them. */
export function metricsIn(text: string): Set<string> {
  return new Set(text.match(/\b(?:tidemark|temporal)_[a-z_]+(?=[[{) ]|\\?"|$)/gm) ?? []);
}
