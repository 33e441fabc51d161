#!/bin/sh
# Unpacks Debian's Dovecot beside the host, for test/lib/dovecot.ts.
# usage: unpack-dovecot.sh DIRECTORY
exec "$(dirname "$0")/unpack.sh" "$1" dovecot-core dovecot-imapd libsodium23 libunwind8
