import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compileAssign, UsersTable } from './index.ts';

let home: string;
let table: UsersTable;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'table-'));
  mkdirSync(join(home, 'users'));
  table = new UsersTable(home);
});
afterEach(() => {
  table.close();
  rmSync(home, { recursive: true });
});

const path = () => join(home, 'users/cdb');

function assign(user: string): Promise<void> {
  const text = `=joe:${user}:1001:1001:/home/${user}:::\n.\n`;
  return writeCdb(path(), compileAssign(text), { mode: 0o644 });
}

test('without a table nobody is assigned; with one it counts at once, and so does each that follows it', async () => {
  expect(table.find('joe')).toBeUndefined();
  await assign('ann');
  expect(table.find('joe')?.user).toBe('ann');
  expect(table.find('Joe')?.user).toBe('ann');
  await assign('bob');
  expect(table.find('joe')?.user).toBe('bob');
  expect(table.find('ann')).toBeUndefined();
  rmSync(path());
  expect(table.find('joe')).toBeUndefined();
  await assign('cid');
  expect(table.find('joe')?.user).toBe('cid');
});

test('a damaged table is trouble each time, until it is repaired', async () => {
  writeFileSync(path(), 'x');
  for (let i = 0; i < 2; i++)
    expect(() => table.find('joe')).toThrow(expect.objectContaining({ exitCode: 117 }));
  await assign('ann');
  expect(table.find('joe')?.user).toBe('ann');
});

test('a table that cannot be looked for is trouble', () => {
  rmSync(join(home, 'users'), { recursive: true });
  expect(table.find('joe')).toBeUndefined();
  const long = new UsersTable(join(home, 'x'.repeat(300)));
  expect(() => long.find('joe')).toThrow(expect.objectContaining({ exitCode: 117 }));
});
