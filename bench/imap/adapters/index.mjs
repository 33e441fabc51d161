// The IMAP servers that bench/imap.mjs can measure (see ../../shared/adapters.mjs). An adapter's
//
//   folderPrefix   what stands before the name of a folder that is not INBOX
//   open(site) → {
//     start()        resolves when it answers on site.port
//     stop()         resolves when none of its processes is left
//     processes()    the pids at the root of its processes
//     forget(dir)    removes what the server keeps about the Maildir `dir`; called while it is stopped
//   }
//
// site: { work (a directory of its own), port, domain, users, dist, folderPrefix }. The users are those of accounts.mjs,
// with the `home` that is theirs on this system; all may log in at once, from one address.
import { adaptersIn } from '../../shared/adapters.mjs';

export const adapters = adaptersIn(import.meta.dirname);
