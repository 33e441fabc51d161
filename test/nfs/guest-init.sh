#!/usr/bin/bash
# First process of run.sh's virtual machine: an NFS server, and two clients of it that share nothing but the kernel. Each
# has its own network, its own host name and its own mount of the same directory at /mail.
export PATH=/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
chmod 1777 /tmp /dev/shm
word() { for one in $(cat /proc/cmdline); do case $one in "$1"=*) echo "${one#*=}" ;; esac; done; }
finish() {
  echo "nfs-test: exit $1"
  sync
  poweroff -f
}
for module in virtio_pci virtio_blk veth lockd nfsd nfs nfsv3 nfsv4; do modprobe $module || finish 2; done

hostname server
ip link set lo up
mke2fs -q -t ext4 -F /dev/vda && mkdir -p /srv/export && mount -t ext4 /dev/vda /srv/export || finish 2
mkdir -p /srv/export/joe/users && chown -R 1000:1000 /srv/export/joe
mkdir -p /run/netns /run/rpcbind /var/lib/nfs/sm /var/lib/nfs/sm.bak /var/lib/nfs/v4recovery
touch /var/lib/nfs/etab /var/lib/nfs/rmtab
mount -t nfsd nfsd /proc/fs/nfsd
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
echo '/srv/export *(rw,sync,no_root_squash,no_subtree_check,insecure,fsid=0)' >/etc/exports
rpcbind && rpc.statd --no-notify
exportfs -r || finish 2
rpc.nfsd 8 && rpc.mountd || finish 2

OPTIONS=$(word options)
client() { # name, number of its network
  ip netns add $1
  ip link add name v$1 type veth peer name eth0 netns $1
  ip address add 10.0.$2.1/24 dev v$1 && ip link set v$1 up
  ip -n $1 address add 10.0.$2.2/24 dev eth0
  ip -n $1 link set eth0 up && ip -n $1 link set lo up
  mkdir -p /$1 && nsenter --net=/run/netns/$1 unshare --mount --uts bash -c "
    hostname $1.test
    mount -t tmpfs run /run; mkdir -p /run/rpcbind
    mount -t tmpfs nfs /var/lib/nfs; mkdir -p /var/lib/nfs/sm /var/lib/nfs/sm.bak
    rpcbind; rpc.statd --no-notify
    case $OPTIONS in *vers=4*) from=/ ;; *) from=/srv/export ;; esac
    mount.nfs 10.0.$2.1:\$from /mail -o $OPTIONS && echo \$\$ >/tmp/$1.pid
    exec sleep 100000" </dev/null &
  for try in $(seq 60); do [ -s /tmp/$1.pid ] && return; sleep 0.5; done
  echo "nfs-test: $1 cannot mount"
  finish 2
}
client a 1
client b 2
grep ' /mail ' /proc/$(cat /tmp/a.pid)/mounts
ulimit -n 4096
ulimit -c 0
node --enable-source-maps /qmail-ts/dist/nfs-driver.mjs $(word driver | tr , ' ')
finish $?
