#!/bin/sh
# Fetches newer versions of git-lfs into DIRECTORY/VERSION/git-lfs for the end-to-end tests. They come from later Debian
# suites. apt uses separate lists, so that the machine does not change. Run as root on Debian.
set -eu
directory=$1
# Each version with its suite. If a suite no longer has the version, the script fetches the suite's current version.
wanted="3.6.1-1+deb13u1/trixie 3.8.1-2/sid"

if [ "$(cat "$directory/fetched" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
# shellcheck disable=SC2016 # apt expands this text, not the shell
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || {
    echo "apt knows no mirror of Debian's" >&2
    exit 1
}
aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT
mkdir -p "$aside/lists/partial" "$aside/cache/archives/partial" "$directory"
for package in $wanted; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror ${package#*/} main"
done >"$aside/sources.list"

apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$aside/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$aside/lists" -o "Dir::Cache=$aside/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

apt update
cd "$aside"
for package in $wanted; do
    apt download "git-lfs=${package%/*}" 2>/dev/null || apt download "git-lfs/${package#*/}"
    dpkg-deb --extract git-lfs_*.deb unpacked
    rm git-lfs_*.deb
    # git-lfs/3.8.1 (GitHub; linux amd64; go 1.27.3)
    version=$(unpacked/usr/bin/git-lfs version | sed 's,^git-lfs/\([^ ]*\) .*,\1,')
    mkdir -p "$directory/$version"
    mv unpacked/usr/bin/git-lfs "$directory/$version/"
    rm -r unpacked
done
echo "$wanted" >"$directory/fetched"
