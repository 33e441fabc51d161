// In the place of node-gyp-build-optional-packages, when lmdb is bundled: that one looks through directories, and asks which C library
// this is, at every start. `directory`: the package's; its prebuilt binaries are a package beside it.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

module.exports = function loadBinary(directory) {
  const { name } = require(join(directory, 'package.json'));
  const binaries = join(directory, `../@${name}/${name}-${process.platform}-${process.arch}`);
  let refusal;
  // Of this Node's own interface first, which is faster; one for another C library does not load.
  for (const kind of [`abi${process.versions.modules}.glibc`, 'napi.glibc', 'napi.musl', 'napi']) {
    const path = join(binaries, `node.${kind}.node`);
    if (!existsSync(path)) continue;
    try {
      return require(path);
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal ?? new Error(`${name}: no binary for this machine in ${binaries}`);
};
