// What qmail-local is asked to do: its eight arguments.

import { mailText } from '@q/proc';

/** One local delivery. Mail data is latin1 text; `user` and `home` are as Node gives arguments. */
export interface LocalJob {
  readonly user: string;
  readonly home: string;
  /** The whole local part. */
  readonly local: string;
  /** "-" or "": what stands between ".qmail" and the extension. */
  readonly dash: string;
  readonly ext: string;
  readonly domain: string;
  readonly sender: string;
  /** Instructions where there is no .qmail file or an empty one: qmail's "aliasempty". */
  readonly defaultDelivery: string;
}

/** The job of an argument list, or undefined when it is none. */
export function jobOf(args: readonly string[]): LocalJob | undefined {
  if (args.length !== 8) return undefined;
  const [user, home, local, dash, ext, domain, sender, defaultDelivery] = args as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (!home.startsWith('/')) return undefined;
  return {
    user,
    home,
    local: mailText(local),
    dash: mailText(dash),
    ext: mailText(ext),
    domain: mailText(domain),
    sender: mailText(sender),
    defaultDelivery: mailText(defaultDelivery),
  };
}
