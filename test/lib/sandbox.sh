#!/bin/sh
# Runs a command where unpacked Debian packages are installed: their files above /usr, a test's own files above /etc,
# and its sockets in a directory of the test's. Nothing outside sees any of it. To be run in a mount namespace of its own.
# usage: unshare --mount --propagation private sandbox.sh UNPACKED ETC RUN COMMAND [ARGUMENT ...]
set -eu
unpacked=$1 etc=$2 run=$3
shift 3
mount -t overlay -o "lowerdir=$unpacked/usr:/usr" unpacked /usr
mount -t overlay -o "lowerdir=$etc:/etc" unpacked /etc
mount --bind "$run" /run
exec "$@"
