// The systems that bench/mail.mjs can measure (see shared/adapters.mjs). An adapter's
//
//   open(site) → {
//     start({ deliver, remoteConcurrency })   resolves when it answers on site.smtpPort; deliver false:
//                                    what it accepts for local users stays in its queue
//     stop()                         resolves when none of its processes is left
//     wipe()                         empties the stopped system's queue
//     maildir                        where mail for site.user arrives
//     processes()                    the pids at the root of its processes
//     queueEmpty()                   whether nothing is left to do
//     inject(sender, recipients, file)   a shell command that queues the message in `file` as site.user,
//                                    with the system's own client; `file` has its lines ended by LF
//   }
//
// site: { work (a directory of its own), smtpPort, sinkPort, domain, user: {name, uid, gid, home}, dist, profile }.
// It accepts mail for site.domain, site.user has every user-* address too, and relays what 127.0.0.1 sends to
// anywhere else through 127.0.0.1:sinkPort, with at most remoteConcurrency deliveries at a time.
import { adaptersIn } from '../shared/adapters.mjs';

export const adapters = adaptersIn(import.meta.dirname);
