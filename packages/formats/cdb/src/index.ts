export { CdbEncoder, HEADER_SIZE } from './encoder.ts';
export { cdbHash } from './hash.ts';
export { CDB_SIZE_MAX } from './limits.ts';
export { type Cdb, openCdb } from './reader.ts';
export { type CdbEntries, type CdbEntry, encodeCdb, writeCdb, writeCdbTo } from './writer.ts';
