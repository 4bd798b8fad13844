// npm run docs: docs/reference, a page for each entry of the package, from the declarations that tsc writes and the
// comments in them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { isIdentifier, SyntaxKind, type Node } from 'typescript/unstable/ast';
import { API, SymbolFlags, type Project, type Symbol as ExportedSymbol } from 'typescript/unstable/sync';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The page of an entry. */
export interface ReferencePage {
  /** What a product imports: `tidemark`, `tidemark/reader`, … */
  readonly entry: string;
  /** The name of its file in docs/reference. */
  readonly file: string;
  readonly text: string;
  readonly exports: readonly string[];
  /** Exports without a comment. */
  readonly uncommented: readonly string[];
  /** Types of this package that exports mention, and errors that they throw, which the entry does not export. */
  readonly unnamed: readonly string[];
}

/** @returns a page for each entry that package.json exports */
export function reference(): readonly ReferencePage[] {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-reference-'));
  try {
    writeDeclarations(folder);
    const api = new API({ cwd: folder });
    try {
      const config = join(folder, 'tsconfig.json');
      const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
      if (project === undefined) throw new Error(`tsc cannot open ${config}`);
      return Object.entries(entries()).map(([entry, file]) => pageOf(project, entry, join(folder, file)));
    } finally {
      api.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The declarations of the package's entries, by what a product imports. */
export function entries(): Readonly<Record<string, string>> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.fromEntries(
    Object.entries(exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [[join('tidemark', path), target.types]],
    ),
  );
}

function writeDeclarations(folder: string): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  // The build and `npm run check` check types, which takes three times as long as writing the declarations.
  const written = ['--emitDeclarationOnly', '--noCheck', '--sourceMap', 'false', '--inlineSources', 'false'];
  execFileSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--singleThreaded', ...written, '--outDir', join(folder, 'dist')],
    {
      cwd: root,
    },
  );
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const compilerOptions = { module: 'nodenext', target: 'es2024', types: ['node'], strict: true, skipLibCheck: true };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.values(entries()) }));
}

function pageOf(project: Project, entry: string, declarations: string): ReferencePage {
  const { checker, program } = project;
  const file = program.getSourceFile(declarations);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (file === undefined || module === undefined) throw new Error(`${declarations} is not a module`);
  const exported = checker
    .getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      target: checker.isUnknownSymbol(checker.getAliasedSymbol(symbol)) ? symbol : checker.getAliasedSymbol(symbol),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const names = new Set(exported.map(({ name }) => name));
  const [, about = ''] = /\/\*\*([^]*?)\*\//.exec(file.text) ?? [];
  const parts = exported.map(({ name, target }) => [
    `## ${name}`,
    commentOf(project, target, names),
    `\`\`\`ts declaration\n${declarationsOf(project, target)}\n\`\`\``,
  ]);
  return {
    entry,
    file: `${entry.replaceAll('/', '-')}.md`,
    text: `${[[`# ${entry}`, plain(about)], ...parts]
      .flat()
      .filter((part) => part !== '')
      .join('\n\n')}\n`,
    exports: [...names],
    uncommented: exported
      .filter(
        ({ target }) =>
          target.getDocumentationComment(checker).trim() === '' && target.getJsDocTags(checker).length === 0,
      )
      .map(({ name }) => name),
    unnamed: unnamedIn(project, exported),
  };
}

interface Exported {
  readonly name: string;
  readonly target: ExportedSymbol;
}

/** Types and errors that the exports of an entry mention but the entry does not export: no product can name them. */
function unnamedIn(project: Project, exported: readonly Exported[]): readonly string[] {
  const ids = new Set(exported.map(({ target }) => target.id));
  const names = new Set(exported.map(({ name }) => name));
  const found = exported.flatMap(({ name, target }) =>
    target.declarations.flatMap((handle) => {
      const declaration = handle.resolve(project);
      if (declaration === undefined) return [];
      const lacking = mentioned(project, declaration).filter((symbol) => !ids.has(symbol.id));
      const tags = target.getJsDocTags(project.checker).map(({ name: tag, text = '' }) => `@${tag} ${text}`);
      const thrown = [...[...tags, declarationsOf(project, target)].join('\n').matchAll(/@throws \{([\w |]+)\}/g)]
        .flatMap(([, errors = '']) => errors.split(/ *\| */))
        .filter((error) => !names.has(error) && error !== 'Error');
      return [...lacking.map((symbol) => symbol.name), ...thrown].map((type) => `${type} (of ${name})`);
    }),
  );
  return [...new Set(found)].sort((a, b) => a.localeCompare(b, 'en'));
}

/** The types of this package that a declaration names, without those of its private members. */
function mentioned(project: Project, declaration: Node): readonly ExportedSymbol[] {
  const { checker } = project;
  const symbols: ExportedSymbol[] = [];
  const visit = (node: Node): void => {
    if (/^(?:\s|\/\*[^]*?\*\/)*private /.test(node.getText())) return;
    if (isIdentifier(node) && isTypeName(node)) {
      const symbol = checker.getSymbolAtLocation(node);
      const isAlias = symbol !== undefined && (symbol.flags & SymbolFlags.Alias) !== 0;
      const type = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      if (type !== undefined && (type.flags & SymbolFlags.TypeParameter) === 0 && isOurs(type)) symbols.push(type);
    }
    node.forEachChild(visit);
  };
  visit(declaration);
  return symbols;
}

const isTypeName = ({ parent }: Node): boolean =>
  parent.kind === SyntaxKind.TypeReference ||
  parent.kind === SyntaxKind.ExpressionWithTypeArguments ||
  parent.kind === SyntaxKind.ImportType;

const isOurs = ({ declarations }: ExportedSymbol): boolean =>
  declarations.some(({ path }) => path.includes('/dist/') && !path.includes('/node_modules/'));

/** The text of a comment at the head of a file, without its tags. */
const plain = (comment: string): string =>
  comment
    .replaceAll(/^ *\* ?/gm, '')
    .replaceAll(/^@.*$/gm, '')
    .trim();

function commentOf({ checker }: Project, symbol: ExportedSymbol, names: ReadonlySet<string>): string {
  /** An export of the same entry is a link to its heading. */
  const linked = (name: string): string => (names.has(name) ? `[\`${name}\`](#${name.toLowerCase()})` : `\`${name}\``);
  const tags = symbol.getJsDocTags(checker).map(({ name, text = '' }) => {
    if (name === 'example') return `\`\`\`ts declaration\n${text.trim()}\n\`\`\``;
    const said = text.trim().replaceAll(/\n\s*/g, ' ');
    const [, parameter, about] = name === 'param' ? (/^(\S+)\s*-?\s*(.*)$/.exec(said) ?? []) : [];
    if (parameter !== undefined) return `- \`${parameter}\`: ${about}`;
    const [, errors, when] = name === 'throws' ? (/^\{([\w |]+)\}\s*(.*)$/.exec(said) ?? []) : [];
    if (errors !== undefined)
      return `- *throws* ${errors
        .split(/ *\| */)
        .map(linked)
        .join(', ')} ${when}`;
    return `- *${name}* ${said}`;
  });
  const comment = symbol.getDocumentationComment(checker).trim();
  return [comment.replaceAll(/`(\w+)`/g, (_, name: string) => linked(name)), ...tags]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The declarations as tsc wrote them, with the comments of members, without what is private. */
function declarationsOf(project: Project, symbol: ExportedSymbol): string {
  return symbol.declarations
    .flatMap((handle) => {
      let node = handle.resolve(project);
      while (node?.parent !== undefined && node.parent.parent !== undefined) node = node.parent;
      if (node === undefined) return [];
      const { text } = node.getSourceFile();
      return text
        .slice(node.pos, node.end)
        .replace(/^(?:\s|\/\*[^]*?\*\/|\/\/[^\n]*)*/, '')
        .replace(/^export (?:declare )?/, '')
        .replaceAll(/^ +(?:private .*|#private);\n/gm, '');
    })
    .join('\n');
}

if (import.meta.main) {
  const folder = join(root, 'docs/reference');
  const pages = reference();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of pages) writeFileSync(join(folder, file), text);
  console.log(pages.map(({ file, exports }) => `docs/reference/${file}: ${exports.length} exports`).join('\n'));
  for (const { entry, uncommented } of pages)
    if (uncommented.length > 0) console.log(`${entry}: no comment on ${uncommented.join(', ')}`);
}
