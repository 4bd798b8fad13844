import type { TextField } from '../query/query-tree.ts';
import { wordsOf } from '../query/words.ts';
import { textOfHtml } from './html-text.ts';
import type { MimePart } from './mime.ts';

/** The texts of a message in which a search looks, as words. A run of words never spans two texts. */
export type SearchedTexts = Readonly<Record<TextField, readonly (readonly string[])[]>>;

export function searchedTexts(root: MimePart): SearchedTexts {
  const headers = (...names: readonly string[]): readonly (readonly string[])[] =>
    root.headers.filter(({ name }) => names.includes(name.toLowerCase())).map(({ value }) => wordsOf(value));
  const fields = {
    from: headers('from'),
    to: headers('to'),
    cc: headers('cc'),
    bcc: headers('bcc'),
    subject: headers('subject'),
    filename: filenames(root).map(wordsOf),
  };
  return {
    ...fields,
    deliveredto: headers('delivered-to'),
    list: headers('list-id', 'list-post', 'mailing-list'),
    any: [...Object.values(fields).flat(), ...bodies(root).map(wordsOf)],
  };
}

function filenames(part: MimePart): readonly string[] {
  return [...(part.filename === '' ? [] : [part.filename]), ...part.parts.flatMap(filenames)];
}

/** The texts that a reader sees. Attached texts are not searched. */
function bodies(part: MimePart): readonly string[] {
  const inner = part.parts.flatMap(bodies);
  if (part.filename !== '' || !part.mimeType.startsWith('text/')) return inner;
  const text = part.body.toString('utf8');
  return [part.mimeType === 'text/html' ? textOfHtml(text) : text, ...inner];
}
