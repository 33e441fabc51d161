// An address is a local part and, after the last "@", a domain. Text is latin1, without angle brackets.

export interface SplitAddress {
  readonly local: string;
  /** What follows the last "@", perhaps empty; undefined when there is no "@". */
  readonly domain: string | undefined;
}

/** Cuts at the LAST "@": `a@b@c` is the box `a@b` at the host `c`. */
export function splitAddress(address: string): SplitAddress {
  const at = address.lastIndexOf('@');
  if (at < 0) return { local: address, domain: undefined };
  return { local: address.slice(0, at), domain: address.slice(at + 1) };
}
