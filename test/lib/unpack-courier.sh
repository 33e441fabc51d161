#!/bin/sh
# Unpacks Debian's Courier beside the host, for test/courier.test.ts: nothing is installed, no daemon started.
# usage: unpack-courier.sh DIRECTORY
set -eu
target=$1
packages="courier-imap courier-pop courier-base courier-authlib courier-authdaemon courier-authlib-pipe
  courier-authlib-userdb libcourier-unicode4 libgamin0 libgdbm6 libidn12 libltdl7 libpcre3"
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT
# shellcheck disable=SC2086
(cd "$debs" && apt-get download -qq $packages)
mkdir -p "$target.new"
for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$target.new"; done
rm -rf "$target"
mv "$target.new" "$target"
