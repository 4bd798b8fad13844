import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { OPTIONAL_PACKAGES, requireInstalled, type OptionalFeature } from '../../src/host/optional-packages.ts';

interface Manifest {
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;
const FEATURES = Object.keys(OPTIONAL_PACKAGES) as readonly OptionalFeature[];
const WANTED = FEATURES.flatMap((feature) => [...OPTIONAL_PACKAGES[feature].packages]);
const nameOf = (wanted: string): string => wanted.slice(0, wanted.lastIndexOf('@'));

it('the packages that some installations need are the optional peers of the package, and no others', () => {
  const names = WANTED.map(nameOf).toSorted();
  expect(Object.keys(manifest.peerDependencies).toSorted()).toEqual(names);
  expect(Object.keys(manifest.peerDependenciesMeta).toSorted()).toEqual(names);
  expect(Object.values(manifest.peerDependenciesMeta).every(({ optional }) => optional)).toBe(true);
});

it.each(WANTED)('the command that installs an optional package names the version that is tested here: %s', (wanted) => {
  const tested = manifest.devDependencies[nameOf(wanted)] ?? '';
  expect(`${tested}.`.startsWith(`${wanted.slice(wanted.lastIndexOf('@') + 1)}.`)).toBe(true);
});

it.each(FEATURES)('a checkout has the packages of every optional feature: %s', (feature) => {
  expect(() => requireInstalled(feature)).not.toThrow();
});
