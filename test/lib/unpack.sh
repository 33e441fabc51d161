#!/bin/sh
# Unpacks Debian packages beside the host, for tests that judge by them: nothing is installed, no daemon started.
# usage: unpack.sh DIRECTORY PACKAGE ...
set -eu
target=$1
shift
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT
(cd "$debs" && apt-get download -qq "$@")
mkdir -p "$target.new"
for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$target.new"; done
rm -rf "$target"
mv "$target.new" "$target"
