// What a worker found out for authentication. It has an owner's rights, and that owner could have taken it
// over: what it says is checked before it goes into a reply, and speaks for that owner's users only.

import { fieldsOf } from '@q/service';
import { TEXT_MAX } from '../limits.ts';

/** All texts are latin1. */
export type AuthResult =
  | { readonly verdict: 'ok'; readonly user: FoundUser }
  | { readonly verdict: 'done' }
  | { readonly verdict: 'listed'; readonly users: readonly ListedUser[] }
  | { readonly verdict: 'refused'; readonly reason: string };

export interface FoundUser {
  /** Relative to the owner's home. */
  readonly maildir: string;
  readonly personal: string;
  /** Maildir++ form, "1000S,10C"; '' for none. */
  readonly quota: string;
  /** Variables for programs that run for this user, as Node passes them on. */
  readonly env: Readonly<Record<string, string>>;
}

export type ListedUser = readonly [name: string, maildir: string];

/** The result that came as a message; undefined when it is none. */
export function authResultOf(value: unknown): AuthResult | undefined {
  const { verdict, user, users, reason } = fieldsOf(value) ?? {};
  switch (verdict) {
    case 'done':
      return { verdict };
    case 'refused':
      return isText(reason) ? { verdict, reason } : undefined;
    case 'listed':
      return Array.isArray(users) && users.every(isListed) ? { verdict, users } : undefined;
    case 'ok': {
      const found = foundUserOf(user);
      return found && { verdict, user: found };
    }
    default:
      return undefined;
  }
}

function foundUserOf(value: unknown): FoundUser | undefined {
  const { maildir, personal, quota, env } = fieldsOf(value) ?? {};
  const variables = fieldsOf(env);
  if (!isText(maildir) || !isText(personal) || !isText(quota) || variables === undefined)
    return undefined;
  const good = Object.entries(variables).every(
    ([name, text]) => /^(VUSER(_[A-Z_]+)?|MAILDIR)$/.test(name) && isText(text),
  );
  return good ? { maildir, personal, quota, env: variables as Record<string, string> } : undefined;
}

function isListed(value: unknown): value is ListedUser {
  return Array.isArray(value) && value.length === 2 && value.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}
