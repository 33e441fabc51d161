// Before every test file: the files that a test makes for programs of other users must be readable to them, whatever
// the umask of whoever runs the tests. A test of a program's own umask sets that for the program.

process.umask(0o022);
