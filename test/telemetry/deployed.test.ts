import { spawnSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { METRICS } from '../../src/model/telemetry.ts';
import { ALERTS, DASHBOARD, metricsIn, pathOf, read } from './deployed.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

const alerts = [...ALERTS.matchAll(/- alert: (\w+)\n\s+expr: (.+)\n/g)].map(([, name = '', expression = '']) => ({
  name,
  expression,
}));
const panels = (JSON.parse(DASHBOARD) as { panels: readonly Panel[] }).panels;
const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');

/** Gauges that each worker sets for itself. */
const OF_ONE_WORKER = new Set(['tidemark_clock_skew_seconds']);

describe('an alert', () => {
  it('has a paragraph in the operations guide, which describes no other alerts', () => {
    const [, chapter = ''] = /^## Alerts$([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(read('docs/operations.md')) ?? [];
    const paragraphs = [...chapter.matchAll(/^### (\w+)\n\n?(.+)/gm)];
    expect(paragraphs.map(([, name]) => name)).toEqual(alerts.map(({ name }) => name));
    for (const [, name, text = ''] of paragraphs) expect(text.length, name).toBeGreaterThan(80);
  });

  it('has a severity and a summary', () => {
    expect(alerts.length).toBe(ALERTS.match(/- alert:/g)?.length);
    expect(ALERTS.match(/severity: (critical|warning|info)\s*}/g)).toHaveLength(alerts.length);
    expect(ALERTS.match(/annotations:\s*{\s*summary:\s/g)).toHaveLength(alerts.length);
  });

  it('takes the maximum of a gauge, since every worker counts everything', () => {
    const gauges = Object.entries(METRICS).filter(([name, { kind }]) => kind === 'gauge' && !OF_ONE_WORKER.has(name));
    const uses = alerts.flatMap(({ name, expression }) =>
      gauges.flatMap(([gauge]) =>
        [...expression.matchAll(new RegExp(`(.{0,40})\\b${gauge}\\b`, 'g'))].map(([use, before]) => ({
          name,
          use,
          before,
        })),
      ),
    );
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter(({ before = '' }) => !/max( by \(\w+\))? \($|max\($/.test(before))).toEqual([]);
  });
});

const promtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!promtool)('Prometheus itself (skipped where there is no promtool)', () => {
  it.each([
    ['reads the rules', ['check', 'rules', pathOf('deploy/prometheus/alerts.yml')]],
    ['raises the alerts when it should', ['test', 'rules', pathOf('test/telemetry/alerts.promtool.yml')]],
  ])('%s', (_, args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
});

describe('the dashboard', () => {
  it('shows every metric of ours', () => {
    expect(new Set([...metricsIn(DASHBOARD)].map(base).filter((name) => name.startsWith('tidemark_')))).toEqual(
      new Set(Object.keys(METRICS)),
    );
  });

  it('reads the data source that is provisioned', () => {
    const [, uid] = /uid: (\w+),/.exec(read('deploy/grafana/provisioning/datasources/prometheus.yml')) ?? [];
    for (const panel of panels.filter(({ type }) => type !== 'row'))
      expect(panel.datasource?.uid, panel.title).toBe(uid);
  });

  it('has no overlapping panels', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});
