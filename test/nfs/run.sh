#!/bin/bash
# Two servers on one Maildir, over a real NFS: a virtual machine with a kernel of Debian's, in which one NFS server and two
# clients of it run, each with its own mount, network and host name, and the built programs on both of them.
#
#   test/nfs/run.sh [-o OPTIONS] [SEED [SECONDS [KIND ...]]]
#
# OPTIONS are those of the mounts, "vers=4.2" unless said ("vers=3", "vers=4.2,actimeo=1", "vers=3,nolock" ...). What is tried,
# and what must hold, is at the head of driver.ts. KIND: only these of its parts.
#
# By hand, not in CI: it needs Debian, root, qemu-system-x86 (it emulates; NFS_ACCEL=kvm where that works), busybox-static,
# cpio, iproute2, strace and some 900 MB in $NFS_VM (/var/tmp/qmail-ts-nfs-vm), where the machine is kept for the next
# time. The kernel and the NFS programs come from the Debian mirror of the host; nothing is installed on it. The programs
# are those in bin/dist (npx tsup), or in $DIST.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$here/../..
top=${NFS_VM:-/var/tmp/qmail-ts-nfs-vm}
options=vers=4.2
if [ "${1-}" = -o ]; then
  options=$2
  shift 2
fi
mkdir -p "$top"

# The root of the machine: this host's own programs, with their libraries.
base() {
  local root=$top/base kernel name
  mkdir -p "$top/deb" "$top/kernel" "$root"/{usr/{bin,sbin,lib,lib64},proc,sys,dev,run,tmp,etc,mail,srv,root,var/lib/nfs}
  for name in bin sbin lib lib64; do ln -sfn usr/$name "$root/$name"; done
  local image
  image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
  (cd "$top/deb" && apt-get download -q "$image" nfs-common nfs-kernel-server rpcbind libnfsidmap1 keyutils)
  for name in "$top"/deb/linux-image*.deb; do dpkg -x "$name" "$top/kernel"; done
  for name in "$top"/deb/{nfs,rpcbind,libnfsidmap,keyutils}*.deb; do
    dpkg-deb --fsys-tarfile "$name" | tar -C "$root" --keep-directory-symlink -xf -
  done
  for name in node ip nsenter unshare bash setpriv mount umount strace mke2fs; do program "$root" "$(PATH=$PATH:/usr/sbin:/sbin command -v $name)"; done
  for name in "$root"/usr/sbin/*; do libraries "$root" "$name"; done
  # Opened at run time, so no program says that it needs it.
  name=$(/sbin/ldconfig -p | sed -n 's/.*libcrypt\.so\.1 .*x86-64.*=> //p' | head -n 1)
  install -D -m 755 "$(readlink -f "$name")" "$root/usr/lib/libcrypt.so.1"
  find "$root/usr/lib" -name 'libnfsidmap*' -type f -exec cp {} "$root/usr/lib/" \;
  for name in "$root"/usr/lib/libnfsidmap.so.*.*; do ln -sf "${name##*/}" "$root/usr/lib/libnfsidmap.so.1"; done
  cp "$(command -v busybox)" "$root/usr/bin/busybox"
  for name in $(busybox --list); do [ -e "$root/usr/bin/$name" ] || ln -s busybox "$root/usr/bin/$name"; done
  kernel=$(ls "$top/kernel/lib/modules")
  mkdir -p "$root/lib/modules/$kernel/kernel"
  for name in fs net crypto lib drivers/block drivers/net/veth.ko drivers/virtio drivers/char; do
    [ -e "$top/kernel/lib/modules/$kernel/kernel/$name" ] || continue
    mkdir -p "$root/lib/modules/$kernel/kernel/$(dirname "$name")"
    cp -a "$top/kernel/lib/modules/$kernel/kernel/$name" "$root/lib/modules/$kernel/kernel/$(dirname "$name")/"
  done
  busybox depmod -b "$root" "$kernel"
  printf '%s\n' root:x:0:0::/root:/bin/sh joe:x:1000:1000::/mail/joe:/bin/sh statd:x:101:65534::/:/bin/sh _rpc:x:102:65534::/:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$root/etc/passwd"
  printf '%s\n' root:x:0: joe:x:1000: nogroup:x:65534: >"$root/etc/group"
  printf '%s: files\n' passwd group hosts netgroup services protocols rpc >"$root/etc/nsswitch.conf"
  cp /etc/services /etc/protocols /etc/netconfig /etc/rpc "$root/etc/"
  cp "$top/kernel/boot/vmlinuz-$kernel" "$top/vmlinuz"
  archive "$root" "$top/base.cpio"
}

program() { # root, path
  install -D -m 755 "$(readlink -f "$2")" "$1/usr/bin/${2##*/}"
  libraries "$1" "$2"
}

libraries() { # root, path
  { ldd "$2" 2>/dev/null || true; } | { grep -o '/[^ )]*' || true; } | while read -r file; do
    case $file in */ld-linux*) to=$1/usr/lib64 ;; *) to=$1/usr/lib ;; esac
    [ -e "$to/${file##*/}" ] || install -D -m 755 "$(readlink -f "$file")" "$to/${file##*/}"
  done
}

archive() { # directory, file
  (cd "$1" && find . | cpio --quiet -o -H newc) >"$2"
}

[ -e "$top/base.cpio" ] || base

rm -rf "$top/project"
mkdir -p "$top/project/qmail-ts"
install -m 755 "$here/guest-init.sh" "$top/project/init"
cp -rL "${DIST:-$project/bin/dist}" "$top/project/qmail-ts/dist"
npx esbuild "$here/driver.ts" --bundle --platform=node --format=esm --sourcemap=inline --log-level=warning \
  --outfile="$top/project/qmail-ts/dist/nfs-driver.mjs"
archive "$top/project" "$top/project.cpio"
cat "$top/base.cpio" "$top/project.cpio" >"$top/initrd"
rm -f "$top/disk"
truncate -s 2G "$top/disk"
driver="$*"
accel=${NFS_ACCEL:-tcg,thread=multi}
case $accel in kvm*) cpu=host ;; *) cpu=max ;; esac
qemu-system-x86_64 -accel "$accel" -cpu $cpu -smp 2 -m 3G -nographic -no-reboot -nic none \
  -drive file="$top/disk",format=raw,if=virtio,cache=unsafe \
  -kernel "$top/vmlinuz" -initrd "$top/initrd" \
  -append "console=ttyS0 quiet panic=-1 options=$options driver=${driver// /,}" </dev/null | tee "$top/console"
rm -f "$top/disk" "$top/initrd"
grep -q '^nfs-test: exit 0' "$top/console"
