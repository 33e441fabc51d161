// The sizes a cdb can have, and what the reader keeps in memory.

/** Positions are unsigned 32-bit numbers: no byte of a cdb lies beyond this offset. */
export const CDB_SIZE_MAX = 0xffff_ffff;

/** The reader reads whole blocks, so that a probe of a hash table and the record after it cost one pread each. */
export const BLOCK_SIZE = 4096;

/** Blocks kept per open file: 64 KiB, enough for the tables a burst of lookups touches. */
export const BLOCKS_KEPT = 16;

/** The writer hands this much to write(2) at a time. */
export const WRITE_SIZE = 256 * 1024;
