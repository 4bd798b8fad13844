import { Parser } from 'htmlparser2';

/** What these hold is not shown. */
const UNSHOWN: ReadonlySet<string> = new Set(['script', 'style', 'template', 'title']);
/** These may begin or end within a word. */
const WITHIN_WORDS: ReadonlySet<string> = new Set(
  'a abbr b big cite code del em font i ins kbd mark q s small span strike strong sub sup tt u wbr'.split(' '),
);

/** The text of an HTML mail as a reader sees it, without its tags. */
export function textOfHtml(html: string): string {
  const pieces: string[] = [];
  let unshown = 0;
  const gap = (name: string): void => {
    if (!WITHIN_WORDS.has(name)) pieces.push(' ');
  };
  const parser = new Parser({
    onopentag: (name) => {
      if (UNSHOWN.has(name)) unshown += 1;
      gap(name);
    },
    onclosetag: (name) => {
      if (UNSHOWN.has(name)) unshown -= 1;
      gap(name);
    },
    ontext: (text) => {
      if (unshown === 0) pieces.push(text);
    },
  });
  parser.end(html);
  return pieces.join('');
}
