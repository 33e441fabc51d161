import { expect, test } from 'vitest';
import { Gate, networkOf } from './gate.ts';

test('the whole and each address have a limit, and a place given back is free again', () => {
  const gate = new Gate({ max: 3, maxPerIp: 2 });
  expect(gate.enter('192.0.2.1')).toBe('ok');
  expect(gate.enter('192.0.2.1')).toBe('ok');
  expect(gate.enter('192.0.2.1')).toBe('full for this address');
  expect(gate.enter('192.0.2.2')).toBe('ok');
  expect(gate.enter('192.0.2.3')).toBe('full');
  gate.leave('192.0.2.1');
  expect(gate.enter('192.0.2.1')).toBe('ok');
  for (const ip of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) gate.leave(ip);
  expect(gate.count).toBe(0);
});

test('who has not logged in has a limit of his own, and making oneself known gives the place to the next', () => {
  const gate = new Gate({ max: 9, maxStrangersPerIp: 2 });
  const enter = () => gate.enter('192.0.2.1');
  expect([enter(), enter(), enter()]).toEqual(['ok', 'ok', 'full for this address']);
  expect(gate.enter('192.0.2.2')).toBe('ok');
  gate.know('192.0.2.1');
  expect([enter(), enter()]).toEqual(['ok', 'full for this address']);
  gate.leave('192.0.2.1', true);
  expect(enter()).toBe('full for this address');
  gate.leave('192.0.2.1');
  expect([enter(), enter()]).toEqual(['ok', 'full for this address']);
  for (const ip of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) gate.leave(ip);
  expect([gate.count, enter(), enter()]).toEqual([0, 'ok', 'ok']);
});

test('an IPv6 host cannot evade its limit by changing addresses within its /64', () => {
  expect(networkOf('2001:db8::1')).toBe(networkOf('2001:DB8:0:0:ffff::9'));
  expect(networkOf('2001:db8::1')).not.toBe(networkOf('2001:db8:0:1::1'));
  expect(networkOf('::1')).toBe('0:0:0:0');
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0');
  expect(networkOf('1:2:3:4:5:6:7:8')).toBe('1:2:3:4');
  expect(networkOf('1:2:3:4::')).toBe('1:2:3:4');
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
});
