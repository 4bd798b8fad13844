// Finds what the comments of the package's exports leave out: members without a comment, and parameters, results and
// errors that a comment does not name.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionTypeNode,
  isGetAccessorDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isSetAccessorDeclaration,
  isThrowStatement,
  type Node,
} from 'typescript/unstable/ast';
import { API, type Project } from 'typescript/unstable/sync';

import { entries } from './reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Members that every error has: `TidemarkError` and `Error` describe them. */
const OF_ERRORS = ['name', 'code', 'mailbox', 'cause', 'constructor'];

/** A function, or what can be called like one. */
interface Callable {
  readonly parameters: readonly string[];
  /** The type of the result, as it is written. */
  readonly result: string;
  readonly throws: boolean;
}

/** @returns lines such as `Reader.close: no @returns`, each once */
export function leftOut(): readonly string[] {
  const api = new API({ cwd: root });
  try {
    const config = join(root, 'tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error(`tsc cannot open ${config}`);
    return [...new Set(Object.values(entries()).flatMap((entry) => ofEntry(project, entry)))];
  } finally {
    api.close();
  }
}

function ofEntry(project: Project, declarations: string): readonly string[] {
  const { checker, program } = project;
  const source = join(root, declarations.replace(/^\.\/dist\/(.*)\.d\.ts$/, 'src/$1.ts'));
  const file = program.getSourceFile(source);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${source} is not a module`);
  return checker.getExportsOfModule(module).flatMap((symbol) => {
    const aliased = checker.getAliasedSymbol(symbol);
    const { declarations: handles } = checker.isUnknownSymbol(aliased) ? symbol : aliased;
    return handles.flatMap((handle) => {
      const declaration = handle.resolve(project);
      return declaration === undefined ? [] : ofDeclaration(symbol.name, declaration);
    });
  });
}

function ofDeclaration(name: string, declaration: Node): readonly string[] {
  if (isFunctionDeclaration(declaration)) return ofCallable(name, commentOf(declaration), callableOf(declaration));
  if (!isInterfaceDeclaration(declaration) && !isClassDeclaration(declaration)) return [];
  const isError = /\bextends \w*Error\b/.test(declaration.getText());
  // "Every method throws …"
  const throwsAll = /throws/.test(commentOf(declaration) ?? '');
  return declaration.members.flatMap((member) => {
    const called = isConstructorDeclaration(member) ? 'constructor' : nameOf(member);
    const comment = commentOf(member);
    const isHidden = called.startsWith('#') || /^(?:private|protected|override) /.test(member.getText());
    if (isHidden || isSetAccessorDeclaration(member)) return [];
    if (comment?.includes('@internal') === true || (isError && OF_ERRORS.includes(called))) return [];
    const path = `${name}.${called}`;
    const callable = callableOf(member);
    if (callable === null) return ofProperty(path, { member, comment, about: commentOf(declaration) });
    return ofCallable(path, comment, { ...callable, throws: callable.throws && !throwsAll });
  });
}

/** Names of times and durations. */
const TIMED = /(?:At|Until|[Ss]ince|Interval|Grace|Timeout|expiration|expiry)$/;
const UNIT = /epoch|milliseconds|\bms\b|seconds/i;

function ofProperty(
  path: string,
  { member, comment, about }: { readonly member: Node; readonly comment: string | null; readonly about: string | null },
): readonly string[] {
  if (comment === null) return [`${path}: no comment`];
  const isTime = TIMED.test(path) && /\bnumber\b/.test(member.getText());
  return isTime && !UNIT.test(`${about}${comment}`) ? [`${path}: no unit`] : [];
}

function ofCallable(path: string, comment: string | null, callable: Callable | null): readonly string[] {
  if (comment === null) return [`${path}: no comment`];
  if (callable === null) return [];
  const unnamed = callable.parameters.filter((parameter) => !new RegExp(`@param ${parameter}\\b`).test(comment));
  const isSilent = /^(?:Promise<)?(?:void|never)>?$/.test(callable.result);
  return [
    ...unnamed.map((parameter) => `${path}: no @param ${parameter}`),
    ...(isSilent || comment.includes('@returns') ? [] : [`${path}: no @returns`]),
    ...(callable.throws && !comment.includes('@throws') ? [`${path}: no @throws`] : []),
  ];
}

function callableOf(node: Node): Callable | null {
  if (isGetAccessorDeclaration(node)) return null;
  if (isPropertySignatureDeclaration(node) || isPropertyDeclaration(node))
    return node.type !== undefined && isFunctionTypeNode(node.type) ? callableOf(node.type) : null;
  if (isConstructorDeclaration(node))
    return { parameters: namesOf(node.parameters), result: 'void', throws: throwsItself(node) };
  if (
    isFunctionDeclaration(node) ||
    isFunctionTypeNode(node) ||
    isMethodDeclaration(node) ||
    isMethodSignatureDeclaration(node)
  )
    return {
      parameters: namesOf(node.parameters),
      result: node.type?.getText() ?? 'void',
      throws: throwsItself(node),
    };
  return null;
}

/** Whether the code has a `throw` of its own. What it calls may throw as well, which only a reader can tell. */
function throwsItself(node: Node): boolean {
  let found = isThrowStatement(node);
  node.forEachChild((child) => {
    found ||= throwsItself(child);
  });
  return found;
}

const nameOf = (member: Node & { readonly name?: Node | undefined }): string => member.name?.getText() ?? '';

/** A destructured parameter may have any name in the comment. */
const namesOf = (parameters: readonly { readonly name: Node }[]): readonly string[] =>
  parameters.map(({ name }) => (/^\w+$/.test(name.getText()) ? name.getText() : '\\w+'));

/** The comment before a declaration. */
function commentOf(node: Node): string | null {
  const before = node.getFullText().slice(0, node.getStart() - node.pos);
  return before.match(/\/\*\*[^]*?\*\//g)?.at(-1) ?? null;
}
