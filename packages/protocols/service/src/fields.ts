// What comes from a process with fewer rights is checked field by field; texts are latin1.

/** The fields of an object; undefined for anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A message of `kind` with an id; undefined for anything else. */
export function messageOf<K extends string>(
  kind: K,
  value: unknown,
): (Record<string, unknown> & { readonly kind: K; readonly id: number }) | undefined {
  const fields = fieldsOf(value);
  if (fields?.kind !== kind || !isId(fields.id)) return undefined;
  return fields as Record<string, unknown> & { readonly kind: K; readonly id: number };
}

/** What numbers messages, and counts. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max;
}
