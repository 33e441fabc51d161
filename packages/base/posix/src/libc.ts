// The door to the C library. koffi is a native module of about 10 ms load time: it is opened at the
// first call, so a program that needs none of this never pays for it.

import { createRequire } from 'node:module';
import { Temporary } from '@q/fault';

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;
/** A C function: numbers, strings and buffers in, a number, string or pointer out. */
export type CFunction = ReturnType<Library['func']>;

let koffiModule: Koffi | undefined;
const functions = new Map<string, CFunction>();

/** koffi itself, loaded once. */
export function koffi(): Koffi {
  koffiModule ??= createRequire(import.meta.url)('koffi') as Koffi;
  return koffiModule;
}

/** The C function of this prototype, from libc or the named library. Throws Temporary where it is missing. */
export function cFunction(prototype: string, library: string | null = null): CFunction {
  const known = functions.get(prototype);
  if (known !== undefined) return known;
  try {
    const found = koffi().load(library).func(prototype);
    functions.set(prototype, found);
    return found;
  } catch (error) {
    throw new Temporary(`the C library has no ${prototype}`, { cause: error });
  }
}

/** The errno the last C call left, as a name ("ENOENT"). */
export function lastErrno(): string {
  const number = koffi().errno();
  for (const [name, value] of Object.entries(koffi().os.errno)) if (value === number) return name;
  return `E${number}`;
}

/** A system error in Node's form, so that faultOf and errnoOf understand it. */
export function systemError(call: string): Error {
  const code = lastErrno();
  return Object.assign(new Error(`${code}: ${call}`), { code, syscall: call });
}
