import { ROOMS } from './rooms.ts';

/** A folder of tests, or the benches. */
export interface TestRoom {
  /** Path from the repository's root. */
  readonly place: string;
  /** The rooms of `src` that it tests. Its files may import them and all that they stand on. */
  readonly of: readonly string[] | 'all';
  /** What else its files may import: rooms of `src`, other folders of tests, scripts. */
  readonly also?: readonly string[];
}

/** What every test may import. Benches may, too. */
const SHARED = ['src/model', 'src/host', 'src/simulator', 'test/fixtures'];

/** Folders of tests that test no single room, or whose tests need more than their room. */
const NAMED: readonly TestRoom[] = [
  { place: 'test/fixtures', of: 'all' },
  { place: 'bench', of: 'all', also: ['scripts'] },
  { place: 'test/activities', of: ['activities'], also: ['src/workflows', 'src/client', 'src/cli'] },
  { place: 'test/cli', of: ['cli'], also: ['src/workflows'] },
  { place: 'test/client', of: ['client'], also: ['src/accounts', 'src/app'] },
  { place: 'test/compose', of: ['config'], also: ['src/workflows', 'scripts'] },
  { place: 'test/consent', of: ['accounts', 'app'] },
  { place: 'test/contract', of: ['store', 'store/bodies', 'store/credentials'] },
  { place: 'test/doctor', of: ['doctor'], also: ['src/accounts'] },
  { place: 'test/docs', of: 'all', also: ['scripts'] },
  { place: 'test/examples', of: 'all' },
  { place: 'test/gmail', of: ['gmail/api', 'gmail/access', 'gmail/quota'], also: ['src/store'] },
  { place: 'test/histories', of: 'all' },
  { place: 'test/house', of: [], also: ['scripts/house'] },
  { place: 'test/integration', of: 'all' },
  { place: 'test/model', of: ['model'], also: ['src/workflows'] },
  { place: 'test/package', of: 'all', also: ['scripts'] },
  { place: 'test/production', of: 'all' },
  { place: 'test/quota', of: ['activities'] },
  { place: 'test/reading', of: ['reading'], also: ['src/app'] },
  { place: 'test/schedules', of: 'all' },
  { place: 'test/scripts', of: [], also: ['scripts'] },
  { place: 'test/store', of: ['store', 'store/move'], also: ['test/contract', 'src/temporal/dev-server'] },
  { place: 'test/telemetry', of: ['telemetry'], also: ['src/workflows', 'src/temporal/dev-server'] },
  { place: 'test/temporal-server', of: ['temporal/dev-server'] },
  { place: 'test/workflows', of: ['workflows'], also: ['src/temporal'] },
];

/**
 * Which folder of tests may import what. `test/ROOM` holds the tests of `src/ROOM` and imports that room, all that it
 * stands on, and fixtures. Benches and tests share `test/fixtures`, and import nothing else of each other. Nothing in
 * `src` imports any of them.
 */
export const TEST_ROOMS: readonly TestRoom[] = [
  ...NAMED,
  ...[...new Set(ROOMS.map(({ place }) => place.split('/')[0] ?? place))]
    .filter((folder) => !folder.endsWith('.ts') && !NAMED.some(({ place }) => place === `test/${folder}`))
    .map((folder) => ({
      place: `test/${folder}`,
      of: ROOMS.map(({ place }) => place).filter((place) => place === folder || place.startsWith(`${folder}/`)),
    })),
];

/** The places, from the repository's root, whose modules a folder of tests may import. */
export function placesFor({ of, also = [] }: TestRoom): ReadonlySet<string> {
  const source = of === 'all' ? ROOMS.map(({ place }) => place) : [...standOn(of)];
  return new Set([...SHARED, ...source.map((place) => `src/${place}`), ...also]);
}

/** The rooms, and all rooms and files that they reach by imports. */
function standOn(rooms: readonly string[], reached: Set<string> = new Set()): ReadonlySet<string> {
  for (const place of rooms) {
    if (reached.has(place)) continue;
    reached.add(place);
    const room = ROOMS.find((one) => one.place === place);
    standOn([...(room?.imports ?? []), ...(room?.types ?? [])], reached);
  }
  return reached;
}
