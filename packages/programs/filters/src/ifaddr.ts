// iftocc(1), iftoccfrom(1), ifaddr(1): is one of these addresses in the header?

import { splitAddress } from '@q/address';
import { asciiEqual, asciiLower } from '@q/bytes';
import { type Invocation, mailText } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { addressesOf, readHeader } from './header.ts';
import { deliveryVariable } from './requeue.ts';

type Env = Invocation['env'];

/** Arguments: addresses; RECIPIENT if there are none. 0 if To or Cc has one of them, 100 if not. */
export function iftoccMain({ args, env }: Invocation): Promise<number> {
  return inFields(['to', 'cc'], args, env);
}

/** The same for To, Cc and From. */
export function iftoccfromMain({ args, env }: Invocation): Promise<number> {
  return inFields(['to', 'cc', 'from'], args, env);
}

/** The same for To and Cc, or for the fields named before an argument ":". `@domain` is any address there. */
export function ifaddrMain({ args, env }: Invocation): Promise<number> {
  const colon = args.indexOf(':');
  const named = args.slice(0, Math.max(colon, 0)).map((name) => asciiLower(mailText(name)));
  const fields = named.length > 0 ? named : ['to', 'cc'];
  return inFields(fields, args.slice(colon + 1), env, { domains: true });
}

async function inFields(
  fields: readonly string[],
  args: readonly string[],
  env: Env,
  { domains = false } = {},
): Promise<number> {
  const wanted = args.length > 0 ? args.map(mailText) : [deliveryVariable(env, 'RECIPIENT')];
  const fits = (address: string) =>
    wanted.some((text) =>
      domains && text.startsWith('@')
        ? asciiEqual(`@${splitAddress(address).domain ?? ''}`, text)
        : asciiEqual(address, text),
    );
  let found = false;
  await readHeader((field) => {
    if (!found && fields.includes(field.key)) found = addressesOf(field).some(fits);
  });
  return found ? EXIT.OK : EXIT.PERMANENT;
}
