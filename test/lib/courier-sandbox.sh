#!/bin/sh
# Runs a command where Courier is installed: its files above /usr and /etc, its sockets in a directory of the
# test's. Nothing outside sees any of it. To be run in a mount namespace of its own.
# usage: unshare --mount --propagation private courier-sandbox.sh COURIER ETC RUN COMMAND [ARGUMENT ...]
set -eu
courier=$1 etc=$2 run=$3
shift 3
mount -t overlay -o "lowerdir=$courier/usr:/usr" courier /usr
mount -t overlay -o "lowerdir=$etc:/etc" courier /etc
mount --bind "$run" /run
exec "$@"
