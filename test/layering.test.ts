// The floors of the house: base < formats < protocols < programs, and cli on base alone. A manifest may
// name only packages of lower floors, or of its own floor where that makes no circle; programs never
// name each other; sources import only what their manifest names.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const FLOORS = ['base', 'formats', 'protocols', 'programs'] as const;

interface Package {
  readonly name: string;
  readonly dir: string;
  readonly floor: number;
  readonly dependencies: readonly string[];
}

const packages = new Map<string, Package>();
for (const [floor, name] of FLOORS.entries()) {
  for (const entry of readdirSync(join(root, 'packages', name)))
    add(join('packages', name, entry), floor);
}
// cli lies just above the ground: below formats, so that it can know nothing of mail.
add('packages/cli', 0.5);

function add(dir: string, floor: number): void {
  const manifest = JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'));
  packages.set(manifest.name, {
    name: manifest.name,
    dir,
    floor,
    dependencies: Object.keys(manifest.dependencies ?? {}),
  });
}

function own(dependency: string): Package | undefined {
  return packages.get(dependency);
}

function sourcesOf(dir: string): string[] {
  return readdirSync(dir).flatMap((entry) => {
    const path = join(dir, entry);
    if (entry === 'node_modules' || entry === 'dist') return [];
    if (statSync(path).isDirectory()) return sourcesOf(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

/** Package names a source imports, node: and relative ones left out. */
function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const pattern =
    /^(?:import|export)\b[^'"]*from '([^']+)'|^\} from '([^']+)'|\bimport\('([^']+)'\)/gm;
  const found = [...text.matchAll(pattern)].map((match) => match.slice(1).find(Boolean) as string);
  return found
    .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}

test('manifests name only packages of their own floor or below', () => {
  const wrong = [...packages.values()].flatMap((pkg) =>
    pkg.dependencies
      .filter((name) => (own(name)?.floor ?? 0) > pkg.floor)
      .map((name) => `${pkg.name} -> ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('programs never name programs', () => {
  const top = FLOORS.length - 1;
  const wrong = [...packages.values()].flatMap((pkg) =>
    pkg.floor === top ? pkg.dependencies.filter((name) => own(name)?.floor === top) : [],
  );
  expect(wrong).toEqual([]);
});

test('packages depend on each other without a circle', () => {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    expect(path, `a circle through ${name}`).not.toContain(name);
    if (done.has(name)) return;
    for (const next of packages.get(name)?.dependencies ?? [])
      if (packages.has(next)) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of packages.keys()) visit(name, []);
});

test('sources import only what their manifest names', () => {
  const wrong = [...packages.values()].flatMap((pkg) =>
    sourcesOf(join(root, pkg.dir))
      .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
      .flatMap((path) =>
        importsOf(path)
          .filter((name) => name !== pkg.name && !pkg.dependencies.includes(name))
          .map((name) => `${relative(root, path)} -> ${name}`),
      ),
  );
  expect(wrong).toEqual([]);
});

test('native modules have one user each: koffi posix, fs-ext fsx, lmdb the cache of mail', () => {
  const users = (name: string) =>
    [...packages.values()].filter((pkg) => pkg.dependencies.includes(name)).map((pkg) => pkg.name);
  expect(users('koffi')).toEqual(['@q/posix']);
  expect(users('fs-ext')).toEqual(['@q/fsx']);
  expect(users('lmdb')).toEqual(['@q/mail-cache']);
});

test('each executable has an entry of at most 60 lines that brings cli and one program together', () => {
  for (const path of sourcesOf(join(root, 'bin/src'))) {
    const floors = importsOf(path).map((name) => own(name)?.floor);
    expect(floors.filter((floor) => floor === FLOORS.length - 1).length, path).toBe(1);
    expect(importsOf(path), path).toContain('@q/cli');
    expect(readFileSync(path, 'utf8').split('\n').length, path).toBeLessThanOrEqual(60);
  }
});
