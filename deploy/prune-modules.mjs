// Removes from node_modules what never runs in an image: development tools, Google's other 300 APIs, other
// platforms' binaries, types and source maps. Plain JavaScript; run by the Dockerfile in the folder that holds dist and
// node_modules.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MODULES = 'node_modules';
const APIS = join(MODULES, 'googleapis/build/src/apis');
const CORE = join(MODULES, '@temporalio/core-bridge');
/** As @temporalio/core-bridge names its folders. */
const PLATFORM = `${{ x64: 'x86_64', arm64: 'aarch64' }[process.arch] ?? process.arch}-`;
const SYSTEM = { linux: '-linux-', darwin: '-darwin', win32: '-windows-' }[process.platform] ?? process.platform;

/** @param {string} folder */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** @param {string} path */
const remove = (path) => rmSync(path, { recursive: true });

/**
 * npm's `--omit=dev` would remove the optional peers, too: here they are development dependencies, and the image has
 * all of them. So what dependencies and peers reach, according to the lock file, stays.
 * @type {Record<string, Partial<Record<'dependencies' | 'optionalDependencies' | 'peerDependencies', object>>>}
 */
const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
const kept = new Set(['']);
for (const place of kept) {
  const { dependencies, optionalDependencies, peerDependencies } = locked[place] ?? {};
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const found = resolve(place, name);
    if (found !== null) kept.add(found);
  }
}

/**
 * Where a package finds another, as Node looks for it.
 * @param {string} place
 * @param {string} name
 */
function resolve(place, name) {
  for (let from = place; ; from = from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/')))) {
    const candidate = join(from, MODULES, name);
    if (candidate in locked) return candidate;
    if (from === '') return null;
  }
}
for (const place of Object.keys(locked)) if (!kept.has(place)) rmSync(place, { recursive: true, force: true });
rmSync(join(MODULES, '.bin'), { recursive: true, force: true });
for (const name of readdirSync(MODULES)) {
  const scope = join(MODULES, name);
  if (name.startsWith('@') && readdirSync(scope).length === 0) remove(scope);
}

const sources = filesIn('dist').filter((file) => file.endsWith('.js'));
const usedApis = new Set(
  sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/googleapis\/build\/src\/apis\/(\w+)\//g)].map(([, api]) => api),
  ),
);
for (const entry of readdirSync(APIS, { withFileTypes: true })) {
  if (entry.isDirectory() && !usedApis.has(entry.name)) remove(join(APIS, entry.name));
}

for (const release of readdirSync(join(CORE, 'releases'))) {
  if (!(release.startsWith(PLATFORM) && release.includes(SYSTEM))) remove(join(CORE, 'releases', release));
}
remove(join(CORE, 'sdk-core'));

for (const file of filesIn(MODULES)) {
  if (/\.(d\.[cm]?ts|map)$/.test(file)) remove(file);
}

const bytes = filesIn(MODULES).reduce((sum, file) => sum + statSync(file).size, 0);
console.log(`node_modules: ${Math.round(bytes / 2 ** 20)} MB`);
