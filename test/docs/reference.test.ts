import { describe, expect, it } from 'vitest';

import { reference } from '../../scripts/reference.ts';
import { leftOut } from '../../scripts/undocumented.ts';

/** Types that a product gets or passes on and never has to write down, by the reason. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = {
  'the base of ids, which have names': ['Brand'],
  'parts of a Config, which loadConfig makes': [
    'ConnectionOptions',
    'KeySource',
    'ListenAddress',
    'PayloadKeys',
    'PriceTable',
    'PriceTableName',
    'Secret',
  ],
  'a place of bodies, which is a URL': ['BodyStore', 'S3Location'],
  'metrics, whose names have types': ['MetricName', 'Metrics', 'NameOf'],
  'a detail of what the workflow says': ['WaitingDelivery'],
  'started by Tidemark only': ['MailboxInput', 'MailboxResult'],
};
/** Parts of a simulated Gmail, reached as its fields. */
const HIDDEN_IN_SIMULATOR = [
  'ApiError',
  'Delivery',
  'Directory',
  'Faults',
  'GmailMethod',
  'HistoryLog',
  'LabelBook',
  'LabelCounter',
  'Lag',
  'Omissions',
  'Paging',
  'Place',
  'Random',
  'RequestPrices',
  'SeenMessage',
  'Serving',
  'SimulatedLabel',
  'SimulatedMessage',
  'TotalsOff',
  'TruthMessage',
  'UsageMeter',
];
/** `SimulatedMessage (of SimulatedMailbox)`: the type. */
const typeOf = (unnamed: string): string => unnamed.replace(/ .*/, '');

describe('the reference that `npm run docs` writes', () => {
  const pages = reference();

  it('has a page for each entry, and a heading for each export', () => {
    expect(pages.map(({ entry }) => entry)).toEqual([
      'tidemark',
      'tidemark/reader',
      'tidemark/worker',
      'tidemark/workflows',
      'tidemark/simulator',
    ]);
    for (const { text, exports } of pages) {
      expect(exports.length).toBeGreaterThan(0);
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, name]) => name)).toEqual(exports);
    }
  });

  it('mentions no type or error that its entry does not export, but for those hidden on purpose', () => {
    const hiddenIn = (entry: string): readonly string[] => [
      ...Object.values(HIDDEN).flat(),
      ...(entry === 'tidemark/simulator' ? HIDDEN_IN_SIMULATOR : []),
    ];
    const lacking = pages.flatMap(({ entry, unnamed }) =>
      unnamed.filter((type) => !hiddenIn(entry).includes(typeOf(type))).map((type) => `${entry}: ${type}`),
    );
    expect(lacking).toEqual([]);
    const met = new Set(pages.flatMap(({ unnamed }) => unnamed).map(typeOf));
    expect(hiddenIn('tidemark/simulator').filter((type) => !met.has(type))).toEqual([]);
  });

  it('has a comment on each export', () => {
    expect(Object.fromEntries(pages.map(({ entry, uncommented }) => [entry, uncommented]))).toEqual(
      Object.fromEntries(pages.map(({ entry }) => [entry, []])),
    );
  });

  it('documents members, the parameters, results and errors of functions, and the units of times', () => {
    expect(leftOut()).toEqual([]);
  });
});
