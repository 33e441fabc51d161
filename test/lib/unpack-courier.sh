#!/bin/sh
# Unpacks Debian's Courier beside the host, for test/lib/courier.ts.
# usage: unpack-courier.sh DIRECTORY
exec "$(dirname "$0")/unpack.sh" "$1" courier-imap courier-pop courier-base courier-authlib courier-authdaemon \
  courier-authlib-pipe courier-authlib-userdb libcourier-unicode4 libgamin0 libgdbm6 libidn12 libltdl7 libpcre3
