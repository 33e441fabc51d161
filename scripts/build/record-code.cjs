// Loaded before a program that is started by program-file.mjs's lines (node --require), and so in its threads: what V8 has compiled
// of its texts becomes their code caches, beside them, when the program ends or whenever a thread has an answer ready.
//   RECORD_UID=N   becomes that user first; some programs refuse to run as root
const { writeFileSync } = require('node:fs');
const vm = require('node:vm');
const { isMainThread, parentPort } = require('node:worker_threads');

const scripts = new Map();

vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options);
    scripts.set(options.filename.replace(/cjs$/, 'cache'), this);
  }
};

function record() {
  for (const [cache, script] of scripts) writeFileSync(cache, script.createCachedData());
}

if (isMainThread) {
  process.on('exit', record);
  if (process.env.RECORD_UID !== undefined) become(Number(process.env.RECORD_UID));
} else {
  // A thread's last moment may be no event.
  const post = parentPort.postMessage;
  parentPort.postMessage = (...message) => {
    record();
    post.apply(parentPort, message);
  };
}

function become(uid) {
  process.setgroups([]);
  process.setgid(uid);
  process.setuid(uid);
}
