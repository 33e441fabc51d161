// The POP3 servers that bench/pop3.mjs can measure (see ../../shared/adapters.mjs). An adapter's
//
//   open(site) → {
//     start()        resolves when it answers on site.port
//     stop()         resolves when none of its processes is left
//     processes()    the pids at the root of its processes
//     forget(dir)    removes what the server keeps about the Maildir `dir`
//   }
//
// site: { work (a directory of its own), port, domain, users, dist }. The users are those of accounts.mjs, with
// the `home` that is theirs on this system; all may log in at once, from one address.
import { adaptersIn } from '../../shared/adapters.mjs';

export const adapters = adaptersIn(import.meta.dirname);
