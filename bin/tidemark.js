#!/usr/bin/env node
// `tidemark`: an installed package runs the built JavaScript; a checkout, which has scripts, the source. Plain
// JavaScript without new syntax, so that an old Node can say that it is too old.
import { existsSync } from 'node:fs';

const checkout = new URL('../scripts/run-checkout.mjs', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (existsSync(checkout)) {
  await import(checkout.href);
} else if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `tidemark: Tidemark needs Node 22.19 or newer, and this is ${process.version}: ` +
      'install a newer one from https://nodejs.org.',
  );
  process.exitCode = 1;
} else {
  await import(new URL('../dist/cli/main.js', import.meta.url).href);
}
