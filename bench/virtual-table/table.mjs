// A passwd.cdb with many users, without their mailboxes: cdb(5) of records as passwd.cdb(5) has them.
const HEADER = 2048;

/** The whole file. `users`: names and hashes. */
export function tableOf(users) {
  const records = [];
  const slots = Array.from({ length: 256 }, () => []);
  let at = HEADER;
  for (const { name, hash } of users) {
    const data = recordOf(name, hash);
    records.push(numbers(name.length, data.length), Buffer.from(`${name}${data}`, 'latin1'));
    const key = hashOf(name);
    slots[key & 255].push([key, at]);
    at += 8 + name.length + data.length;
  }
  const header = [];
  const tables = slots.map((entries) => {
    const size = entries.length * 2;
    header.push(numbers(at, size));
    at += size * 8;
    return hashTable(entries, size);
  });
  return Buffer.concat([...header, ...records, ...tables]);
}

function recordOf(name, hash) {
  const flags = '\x02\x0a\x01\x08\x01\0';
  return `${flags}${hash}\0./users/${name}\0\0\0-\0-\0-\0-\0${1_700_000_000}\0-\0`;
}

function hashTable(entries, size) {
  const table = Buffer.alloc(size * 8);
  for (const [key, at] of entries) {
    let slot = (key >>> 8) % size;
    while (table.readUInt32LE(slot * 8 + 4) !== 0) slot = (slot + 1) % size;
    numbers(key, at).copy(table, slot * 8);
  }
  return table;
}

function hashOf(name) {
  let hash = 5381;
  for (const byte of Buffer.from(name, 'latin1')) hash = (Math.imul(hash, 33) ^ byte) >>> 0;
  return hash;
}

function numbers(one, other) {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(one, 0);
  bytes.writeUInt32LE(other, 4);
  return bytes;
}
