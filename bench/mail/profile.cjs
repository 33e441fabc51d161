// Loaded into our servers by NODE_OPTIONS: writes a CPU profile of the process at its end. (Node's own
// --cpu-prof is not allowed there, and the servers start one another.)
const { writeFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const { basename, join } = require('node:path');

// Not what becomes another program by exec: a sampling signal on its way would kill that.
if (basename(process.argv[1] ?? '') !== 'qmail-start') profileUntilExit();

function profileUntilExit() {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    session.post('Profiler.stop', (_error, result) => {
      const name = `${basename(process.argv[1] ?? 'node')}.${process.pid}.cpuprofile`;
      writeFileSync(join(process.env.BENCH_PROFILE, name), JSON.stringify(result.profile));
    });
  });
}
