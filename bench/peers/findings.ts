import type { Figure } from '../../test/fixtures/measured/figure.ts';
import type { MeasuredSync } from './measured-sync.ts';
import { described, sumOf, type Mistakes } from './mistakes.ts';
import type { Peer } from './peer.ts';
import type { Cost } from './process-cost.ts';

/** How a copy was after one of its syncs. */
interface Check {
  readonly after: string;
  readonly sync: MeasuredSync;
  readonly mistakes: Mistakes;
}

/** What was found of one program. */
export interface Findings {
  readonly peer: Peer;
  readonly first: MeasuredSync;
  /** How many messages it is meant to copy. */
  readonly messages: number;
  readonly checks: readonly Check[];
}

/** The promise: so many times faster than lieer, on the same machine, at the same time. */
const TIMES_LIEER = 10;

/** @param isOurs - whether a mistake of the program misses a bound */
export function figuresOf(findings: Findings, isOurs: boolean): readonly Figure[] {
  const { peer, first, messages, checks } = findings;
  const { usage, costs } = first;
  const plain = (name: string, value: number, unit: string, note: string): Figure => ({
    name: `  ${name}`,
    value,
    unit,
    bound: null,
    note,
  });
  return [
    {
      name: peer.name,
      value: speedOf(findings),
      unit: 'messages/s',
      bound: null,
      note:
        `${peer.about}; ${messages} messages in ${first.seconds.toFixed(1)} s from the first call, ` +
        `${first.wholeSeconds.toFixed(1)} s from the command; ${first.load}`,
    },
    plain('quota units a message', usage.units / messages, 'units', methodsIn(first)),
    plain('HTTP requests', usage.requests, '', `${usage.calls} calls`),
    plain('memory at most', sum(costs, 'megabytes'), 'MB', partsOf(costs, 'megabytes')),
    plain('processor time', sum(costs, 'cpu'), 's', partsOf(costs, 'cpu')),
    plain('  from the first call', copyingCpuOf(findings), 's', `${millisecondsOf(findings).toFixed(2)} ms a message`),
    ...checks.map(({ after, sync, mistakes }): Figure => ({
      name: `  wrong after ${after}`,
      value: sumOf(mistakes),
      unit: 'messages',
      bound: isOurs ? { is: 'at most', value: 0 } : null,
      note: [
        described(mistakes),
        sync.exitCode === 0 ? '' : `it ended with exit code ${sync.exitCode}`,
        `${sync.usage.units} units, ${sync.wholeSeconds.toFixed(1)} s from the command`,
      ]
        .filter((text) => text !== '')
        .join('; '),
    })),
  ];
}

/** How many times faster, and with how much less of the processor, the engine copies than lieer. */
export function comparedWithLieer(engine: Findings, lieer: Findings): readonly Figure[] {
  return [
    {
      name: `${engine.peer.name} to lieer: messages a second`,
      value: speedOf(engine) / speedOf(lieer),
      unit: 'times',
      bound: { is: 'at least', value: TIMES_LIEER },
    },
    {
      name: '  messages a processor second, from the first call, with the Temporal server',
      value: millisecondsOf(lieer) / millisecondsOf(engine),
      unit: 'times',
      bound: null,
    },
    {
      name: '  messages a quota unit: what counts at a quota of Gmail',
      value: engine.messages / engine.first.usage.units / (lieer.messages / lieer.first.usage.units),
      unit: 'times',
      bound: null,
    },
  ];
}

const speedOf = ({ messages, first }: Findings): number => messages / first.seconds;
const copyingCpuOf = ({ first }: Findings): number => sum(first.costs, 'cpu') - sum(first.costs, 'cpuBefore');
/** Of processor time, for a message. */
const millisecondsOf = (findings: Findings): number => (1_000 * copyingCpuOf(findings)) / findings.messages;

function sum(costs: Readonly<Record<string, Cost>>, kind: keyof Cost): number {
  return Object.values(costs).reduce((total, cost) => total + cost[kind], 0);
}

/** For example `worker 5.2, Temporal server 1.1`; empty for a single process. */
function partsOf(costs: Readonly<Record<string, Cost>>, kind: keyof Cost): string {
  const parts = Object.entries(costs);
  return parts.length < 2 ? '' : parts.map(([name, cost]) => `${name} ${cost[kind].toFixed(1)}`).join(', ');
}

export function methodsIn({ usage }: MeasuredSync): string {
  return Object.entries(usage.methods)
    .map(([method, use]) => `${method} ${use.calls}`)
    .join(', ');
}
