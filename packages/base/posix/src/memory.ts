// What the C library keeps of memory that was freed.

import { cFunction } from './libc.ts';

/**
 * malloc_trim(3): whole pages among what was freed go back to the kernel, not only those at the end. A millisecond or a few.
 * Throws Temporary where the C library has none (it is glibc's own).
 */
export function trimHeap(): void {
  cFunction('int malloc_trim(size_t pad)')(0);
}
