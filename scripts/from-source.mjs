// node --import ./scripts/from-source.mjs PROGRAM: what the program imports from `tidemark` is this checkout's source.
import { registerHooks } from 'node:module';

const ENTRY = /^tidemark(?:\/(reader|simulator|worker|workflows))?$/;

registerHooks({
  resolve(specifier, context, next) {
    const [found, entry] = ENTRY.exec(specifier) ?? [];
    if (found === undefined) return next(specifier, context);
    const file = entry === undefined ? '../src/index.ts' : `../src/exports/${entry}.ts`;
    return { url: new URL(file, import.meta.url).href, shortCircuit: true };
  },
});
