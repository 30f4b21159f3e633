#!/bin/sh
# Makes the files of a release in DIRECTORY: Debian package, RPM package, archive for any Linux of this processor, list
# of components (SBOM), and SHA-256 sums. Run it on Debian, in a clean checkout of the tag. It needs root only if it has
# to install rpm.
#
#   sh packaging/release.sh DIRECTORY
#
# The same commit and compiler give the same bytes, in every directory: times are those of the commit, and paths of this
# machine are replaced in the programs. RELEASING.md says how to sign the sums.
set -eu
cd "$(dirname "$0")/.."
[ "$#" = 1 ] || {
    echo "usage: sh packaging/release.sh DIRECTORY" >&2
    exit 2
}
mkdir -p "$1"
out=$(cd "$1" && pwd)
cyclonedx_version=0.5.9
# shellcheck source=packaging/need.sh
. packaging/need.sh
need rpmbuild || exit 1
if ! cargo cyclonedx --version >/dev/null 2>&1; then
    echo "missing: cargo install --locked cargo-cyclonedx@$cyclonedx_version" >&2
    exit 1
fi
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
processor=$(uname -m)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
TZ=UTC LC_ALL=C
export TZ LC_ALL
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

cargo=${CARGO_HOME:-$HOME/.cargo}
target=${CARGO_TARGET_DIR:-$PWD/target}
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/hubgate --remap-path-prefix=$cargo=/cargo"
CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/hubgate -ffile-prefix-map=$cargo=/cargo -ffile-prefix-map=$target=/target"
export RUSTFLAGS CFLAGS
programs=$(sh packaging/build.sh)
programs=$(cd "$programs" && pwd)

sh packaging/deb.sh "$programs" "$out"

rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "source $PWD" --define "programs $programs" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "_buildhost hubgate" --define "_binary_payload w6.xzdio" packaging/rpm/hubgate.spec
cp "$work"/rpm/RPMS/*/hubgate-"$version"-1.*.rpm "$out/"
echo "$out/hubgate-$version-1.$processor.rpm"

# The archive has what packaging/install.sh needs, and the programs.
name=hubgate-$version-$processor-linux
mkdir -p "$work/$name/programs"
git ls-files -z packaging '*.md' 'LICENSE*' sshd_config.example Cargo.toml | grep -zv '^\(benches\|fuzz\|tests\)/' |
    tar -c --null -T - | tar -x -C "$work/$name"
for program in authorized-keys gateway services hubgate; do
    install -m 755 "$programs/$program" "$work/$name/programs/"
done
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --format=gnu -c "$name" | gzip -9n >"$out/$name.tar.gz"
echo "$out/$name.tar.gz"

# The components of the programs and of their build. The tool writes its file, with this directory's path, beside
# Cargo.toml.
cargo cyclonedx --quiet --format json --override-filename "hubgate-$version.cdx" \
    --target "$(rustc -vV | sed -n 's/^host: //p')"
sed "s,file://$PWD,file:///hubgate,g" "hubgate-$version.cdx.json" >"$out/hubgate-$version.cdx.json"
rm "hubgate-$version.cdx.json"
echo "$out/hubgate-$version.cdx.json"

cd "$out"
sha256sum "hubgate_$version-1_$(dpkg --print-architecture).deb" "hubgate-$version-1.$processor.rpm" "$name.tar.gz" \
    "hubgate-$version.cdx.json" >SHA256SUMS
echo "$out/SHA256SUMS"
