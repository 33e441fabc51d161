// The quota of a Maildir++, as it is written in maildirsize(5) and given to maildirmake(1):
//
//   quota = item [ "," item ]             each kind once at most
//   item  = 1*15DIGIT ( "S" / "C" )       bytes / messages; 0 is no limit
//
// Example: 10000000S,1000C

/** What a mailbox may hold; Infinity for no limit. */
export interface Quota {
  readonly bytes: number;
  readonly messages: number;
}

/** What it holds. */
export interface Usage {
  readonly bytes: number;
  readonly messages: number;
}

const NONE = Number.POSITIVE_INFINITY;

/** Undefined for a text that is no quota. */
export function parseQuota(text: string): Quota | undefined {
  const found = new Map<string, number>();
  for (const item of text.split(',')) {
    const [, digits, kind] = /^([0-9]{1,15})([SC])$/.exec(item) ?? [];
    if (kind === undefined || found.has(kind)) return undefined;
    found.set(kind, Number(digits) || NONE);
  }
  return { bytes: found.get('S') ?? NONE, messages: found.get('C') ?? NONE };
}

/** The text; '' when there is no limit. */
export function formatQuota({ bytes, messages }: Quota): string {
  const items = [bytes === NONE ? '' : `${bytes}S`, messages === NONE ? '' : `${messages}C`];
  return items.filter((item) => item !== '').join(',');
}

export function isLimited(quota: Quota): boolean {
  return quota.bytes !== NONE || quota.messages !== NONE;
}

export function fits(quota: Quota, usage: Usage): boolean {
  return usage.bytes <= quota.bytes && usage.messages <= quota.messages;
}

export function sumOf(one: Usage, other: Usage): Usage {
  return { bytes: one.bytes + other.bytes, messages: one.messages + other.messages };
}
