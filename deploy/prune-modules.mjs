// Takes out of node_modules what never runs in an image: Google's other 300 APIs, other platforms' binaries, types and
// source maps. Plain JavaScript; run by the Dockerfile in the folder that holds src and node_modules.
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

const sources = filesIn('src').filter((file) => file.endsWith('.ts'));
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
