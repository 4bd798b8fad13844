import { GROUPS, ROOMS, type Room } from './rooms.ts';

const BEGIN = '<!-- rooms: written by scripts/house/write.ts -->';
const END = '<!-- end of rooms -->';

/** The text of ARCHITECTURE.md with an up-to-date table of rooms. */
export function withTable(text: string, rooms: readonly Room[] = ROOMS): string {
  const [before, rest] = halves(text, BEGIN);
  const [, after] = halves(rest, END);
  return `${before}${BEGIN}\n${tableOf(rooms)}\n${END}${after}`;
}

function tableOf(rooms: readonly Room[]): string {
  const rows = rooms.map(({ place, holds, imports, types = [] }) => {
    const allowed = [...grouped(imports), ...types.map((type) => `types of ${type}`)];
    return `| \`src/${place}\` | ${holds} | ${allowed.join(', ') || 'nothing'} |`;
  });
  return ['| place | holds | may import |', '|---|---|---|', ...rows].join('\n');
}

/** The places, with a group's name in place of its members when all of them are present. */
function grouped(places: readonly string[]): readonly string[] {
  const group = GROUPS.find((one) => one.places.every((place) => places.includes(place)));
  if (group === undefined) return places;
  return [group.name, ...grouped(places.filter((place) => !group.places.includes(place)))];
}

function halves(text: string, marker: string): readonly [string, string] {
  const at = text.indexOf(marker);
  if (at === -1) throw new Error(`ARCHITECTURE.md has no line ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
