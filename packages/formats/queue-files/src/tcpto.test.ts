import { expect, test } from 'vitest';
import { changeTcpto, decodeTcpto, TCPTO_SIZE } from './index.ts';

const RECORDED = 'c000020102000000e803000000000000';

test('a record is address, count and time, little-endian', () => {
  const table = Buffer.alloc(TCPTO_SIZE);
  Buffer.from(RECORDED, 'hex').copy(table, 63 * 16);
  const records = decodeTcpto(table);
  expect(records.length).toBe(64);
  expect(records[63]).toEqual({ address: '192.0.2.1', timeouts: 2, last: 1000 });
  expect(records[0]).toEqual({ address: '0.0.0.0', timeouts: 0, last: 0 });
});

test('a change is written where the record is, and leaves what nobody uses as it was', () => {
  const table = Buffer.alloc(TCPTO_SIZE);
  Buffer.from('00000000000102030000000004050607', 'hex').copy(table, 32);
  const { bytes, position } = changeTcpto(table, 2, {
    address: '198.51.100.255',
    timeouts: 10,
    last: 4_000_000_000,
  });
  expect(position).toBe(32);
  expect(bytes.toString('hex')).toBe('c63364ff0a01020300286bee04050607');
});

test('a table cut short has the records that are whole; one that is too long has 64', () => {
  expect(decodeTcpto(Buffer.alloc(31)).length).toBe(1);
  expect(decodeTcpto(Buffer.alloc(0))).toEqual([]);
  expect(decodeTcpto(Buffer.alloc(2000)).length).toBe(64);
});
