#!/bin/sh
# Makes the Debian package from the programs in a directory, as packaging/build.sh builds them. Needs no root. Prints
# the path of the package.
#
#   sh packaging/deb.sh PROGRAMS DIRECTORY
#
# VERSION=X.Y.Z-N sets another version than Cargo.toml's. QUICK=yes compresses little, for tests.
#
# The same programs and sources give the same bytes: all times are SOURCE_DATE_EPOCH, or else that of the last commit.
set -eu
cd "$(dirname "$0")/.."
programs=$1
directory=$2
version=${VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)-1}
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
umask 022

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
sh packaging/files.sh "$programs" "$root" package >/dev/null
mkdir -p "$root/var/lib/hubgate" "$root/DEBIAN" "$root/usr/share/lintian/overrides"
documents=$root/usr/share/doc/hubgate
cp README.md MOVING.md SECURITY.md "$documents/"
cp packaging/debian/copyright "$documents/"
cp packaging/debian/lintian-overrides "$root/usr/share/lintian/overrides/hubgate"
gzip -9n <CHANGELOG.md >"$documents/changelog.gz"
date=$(date -u -R -d "@$SOURCE_DATE_EPOCH")
sed "s/@VERSION@/$version/; s/@DATE@/$date/" packaging/debian/changelog | gzip -9n >"$documents/changelog.Debian.gz"
gzip -9n "$root"/usr/share/man/man?/*
for script in preinst postinst prerm postrm; do
    install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
cp packaging/debian/conffiles "$root/DEBIAN/"
size=$(du -sk --apparent-size --exclude DEBIAN "$root" | cut -f 1)
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/" packaging/debian/control \
    >"$root/DEBIAN/control"
(cd "$root" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/sums"
mv "$root/sums" "$root/DEBIAN/md5sums"
mkdir -p "$directory"
package=$directory/hubgate_${version}_$architecture.deb
# xz with one thread gives the same bytes on every machine.
if [ "${QUICK:-no}" = yes ]; then set -- -Zgzip -z1; else set -- -Zxz -z6 --threads-max=1; fi
dpkg-deb --root-owner-group --uniform-compression "$@" --build "$root" "$package" >/dev/null
echo "$package"
