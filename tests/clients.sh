#!/bin/sh
# Runs git clients of many kinds against a demo hub: each clones, fetches and pushes as a person would with it.
#
#   sh tests/clients.sh                 all clients
#   sh tests/clients.sh quick           those that take seconds once they are in the cache
#   sh tests/clients.sh CLIENT...       some, such as: jgit dvc
#
# Missing clients come from Debian, PyPI or crates.io and stay in the cache. Only a client itself sees the files of its
# Debian packages, in a mount namespace, so the machine does not change. A client that cannot be installed is skipped.
#
# HUBGATE_PROGRAMS names the build of the programs. Each client is a process group that ends with its tests. Only the
# cache stays. Run as root on Debian.
# shellcheck disable=SC2317 # `try` runs the functions of a client
set -eu
cd "$(dirname "$0")/.."

# Those that take longest come first.
quick="plink dulwich asyncssh pip npm cargo libgit2"
slow="git gitoxide go_git jgit dropbear git_annex dvc go nix uv"

cache=/var/cache/hubgate-tools/clients
# What PyPI and crates.io are asked for. apt decides about the versions of Debian's packages.
python_packages="pygit2==1.21.0 dulwich==1.2.21 asyncssh==2.24.1"
dvc_packages="dvc==3.67.1"
uv_packages="uv==0.13.9"
gitoxide_version=0.61.0
# How many clients run at once, and how many seconds one may take. Only gitoxide has to be built.
lanes=3
patience=600
patience_to_build=2400

# ---- Installing ----

# skip WHY: ends this client's tests.
skip() {
    echo "test $client ... ignored: $1"
    exit 0
}

# once NAME WANTED COMMAND...: runs a command that fills a directory, unless the cache has that directory for the same
# words. Leaves its path in $installed. It appears under its name when it is whole.
once() {
    installed=$cache/$1
    once_wanted=$2
    shift 2
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    if [ "$(cat "$installed/wanted" 2>/dev/null)" != "$once_wanted" ]; then
        rm -rf "$installed.new"
        mkdir "$installed.new"
        if ! "$@" "$installed.new" >"$place/said" 2>&1 9>&-; then
            rm -rf "$installed.new"
            cat "$place/said" >&2
            skip "it cannot be installed: $(grep -v '^ *$' "$place/said" | tail -n 1)"
        fi
        echo "$once_wanted" >"$installed.new/wanted"
        rm -rf "$installed"
        mv "$installed.new" "$installed"
    fi
    exec 9>&-
}

# needs_debian NAME PACKAGE...: lays packages, and what they depend on that this machine lacks, over /usr and /etc.
needs_debian() {
    [ -n "$within" ] || skip "this machine does not allow a mount namespace"
    debian_packages=$2${3+ $3}
    once "debian-$1" "$debian_packages" fetch_debian
    for directory in usr etc; do
        [ ! -d "$installed/$directory" ] ||
            mount -t overlay -o "lowerdir=$installed/$directory:/$directory" overlay "/$directory" ||
            skip "this machine does not allow an overlay"
    done
}

fetch_debian() {
    mkdir -p "$1/archives/partial" || return 1
    # The packages must split into words.
    # shellcheck disable=SC2086
    apt-get install --simulate $debian_packages >/dev/null 2>&1 || apt-get update -qq || return 1
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends --download-only \
        -o "Dir::Cache::archives=$1/archives" -o APT::Sandbox::User=root $debian_packages || return 1
    for package in "$1"/archives/*.deb; do
        # Without a file, the machine has the packages.
        [ -e "$package" ] || continue
        dpkg-deb --extract "$package" "$1" || return 1
    done
    rm -r "$1/archives"
    # On Debian /lib is /usr/lib.
    if [ -d "$1/lib" ]; then
        mkdir -p "$1/usr/lib"
        cp -a "$1/lib/." "$1/usr/lib/" || return 1
    fi
}

# needs_program PROGRAM
needs_program() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

# needs_python NAME PACKAGES: a Python with packages from PyPI, as $python.
needs_python() {
    wanted_packages=$2
    once "python-$1" "$2 for $(python3 -c 'import sys; print(sys.executable, sys.version)')" fetch_python
    python=$installed/bin/python
}

fetch_python() {
    python3 -m venv "$1" || return 1
    # The packages must split into words.
    # shellcheck disable=SC2086
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --retries=1 --timeout=20 $wanted_packages
}

fetch_gitoxide() {
    CARGO_HOME=$cargo_home CARGO_TARGET_DIR=$place/target "$cargo" install --quiet --locked --root "$1" \
        --no-default-features --features "$gitoxide_features" --bin gix "gitoxide@$gitoxide_version"
}
gitoxide_features=pretty-cli,prodash-render-line,gitoxide-core-blocking-client,sha1

# ---- Testing ----

# try NAME COMMAND...: runs one test in a directory of its own. A failed test prints its commands and what they said.
try() {
    name="$client: $1"
    shift
    count=$((count + 1))
    mkdir "$place/$count"
    set +e
    (
        set -ex
        cd "$place/$count"
        "$@"
    ) >"$place/$count.log" 2>&1
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        echo "test $name ... ok"
    else
        echo "test $name ... FAILED"
        sed 's/^/    /' "$place/$count.log"
    fi
}

# new_repository NAME: creates a repository with the history of the seed, as $repository.
new_repository() {
    repository=$url/alice/$1
    "$programs/hubgate" --config "$hub/config.toml" repo create "alice/$1" --private >"$place/said"
    git -C "$work/seed" push --quiet "$repository" main v1.0.0
}

# tip [BRANCH]: the commit of a branch on the hub.
tip() {
    git ls-remote "$repository" "refs/heads/${1:-main}" | cut -f 1
}

# history DIRECTORY [REF]: the subjects of its commits.
history() {
    git -C "$1" log --format=%s "${2:-HEAD}" | paste -s -d ' '
}

# is_pushed DIRECTORY SUBJECT: the hub has the HEAD of the directory, a commit of this subject on top of the seed's.
is_pushed() {
    [ "$(tip)" = "$(git -C "$1" rev-parse HEAD)" ]
    [ "$(history "$1")" = "$2 third second first" ]
}

git_clones() {
    git clone --quiet "$repository" tree
    [ "$(history tree)" = "third second first" ]
    [ "$(git -C tree rev-parse v1.0.0)" = "$first" ]
    cmp tree/blob "$work/seed/blob"
}

git_pushes() {
    git clone --quiet "$repository" tree
    echo more >>tree/seed.py
    git -C tree commit --quiet -a -m "by git"
    git -C tree push --quiet origin HEAD HEAD:refs/heads/other HEAD:refs/tags/other
    is_pushed tree "by git"
    git -C tree push --quiet origin --delete refs/heads/other refs/tags/other
    [ -z "$(tip other)" ]
    git -C tree push --quiet --force origin "$third:refs/heads/main"
    [ "$(tip)" = "$third" ]
}

git_fetches_by_id() {
    git init --quiet tree
    git -C tree fetch --quiet "$repository" "$second"
    [ "$(history tree FETCH_HEAD)" = "second first" ]
}

git_clones_shallow() {
    git clone --quiet --depth 1 "$repository" tree
    [ "$(history tree)" = third ]
    git -C tree fetch --quiet --unshallow
    [ "$(history tree)" = "third second first" ]
}

git_clones_partially() {
    git clone --quiet --filter=blob:none --no-checkout "$repository" tree
    [ "$(git -C tree rev-list --objects --all --missing=print | grep -c '^?')" -gt 3 ]
    git -C tree checkout --quiet "$second"
    cmp tree/blob "$work/seed/blob"
    [ "$(git -C tree show "$first:seed.py")" = "one = 1" ]
}

git_clones_a_shallow_submodule() {
    git init --quiet super
    git -C super submodule --quiet add "$repository" part
    git -C super/part checkout --quiet "$second"
    git -C super commit --quiet -a -m "at the second commit"
    git clone --quiet --recurse-submodules --shallow-submodules "file://$PWD/super" tree
    [ "$(history tree/part)" = second ]
}

git_transfers_lfs() {
    git clone --quiet "$repository" tree
    git -C tree lfs install --local
    git -C tree lfs track '*.weights'
    head -c 300000 /dev/urandom >tree/model.weights
    git -C tree add .
    git -C tree commit --quiet -m weights
    git -C tree push --quiet origin HEAD
    is_pushed tree weights
    git clone --quiet "$repository" copy
    [ "$(head -c 7 copy/model.weights)" = version ]
    git -C copy lfs install --local
    git -C copy lfs pull
    cmp tree/model.weights copy/model.weights
}

git_operations() {
    try "git clones" git_clones
    try "git fetches a commit by its id" git_fetches_by_id
    try "git clones shallow, and fetches the rest later" git_clones_shallow
    try "git clones without blobs, and fetches them when it needs them" git_clones_partially
    try "git clones a shallow submodule" git_clones_a_shallow_submodule
    try "git pushes, deletes and forces" git_pushes
}

# await COMMAND...: waits until a command succeeds, while the process $! runs.
await() {
    until "$@" 2>/dev/null; do
        kill -0 $! || return 1
        sleep 0.05
    done
}

# another_sshd SED: starts another sshd of the hub, with a changed configuration, on $another_port.
another_sshd() {
    another_port=$(free_port)
    sed "s,^Port .*,Port $another_port,; $1" "$hub/sshd_config" >"$place/sshd_config"
    /usr/sbin/sshd -D -f "$place/sshd_config" -E "$place/sshd.log" &
    ends="$ends $!"
    await grep -q "Server listening on 127.0.0.1" "$place/sshd.log"
}

# ---- Clients ----

client_git() {
    numbers=
    for program in /usr/bin/git /usr/local/bin/git; do
        number=$("$program" --version 2>/dev/null | cut -d ' ' -f 3)
        case " $numbers " in *" $number "*) continue ;; esac
        numbers="$numbers $number"
        mkdir "$place/git-$number"
        ln -s "$program" "$place/git-$number/git"
        PATH=$place/git-$number:$PATH
        new_repository "git-$number"
        for protocol in 0 2; do
            client="git $number, protocol $protocol"
            git config --global protocol.version "$protocol"
            git_operations
        done
        client="git $number"
        try "git-lfs uploads and downloads" git_transfers_lfs
    done
}

# plink passes no environment on, so git speaks protocol 0 over it.
client_plink() {
    needs_debian plink putty-tools
    new_repository plink
    client="plink $(plink -V | sed -n 's/^plink: Release //p')"
    puttygen "$work/id" -O private -o "$place/id.ppk"
    fingerprint=$(ssh-keygen -l -f "$hub/host_key.pub" | cut -d ' ' -f 2)
    export GIT_SSH_VARIANT=plink GIT_SSH_COMMAND="plink -batch -i $place/id.ppk -hostkey $fingerprint"
    git_operations
    try "git-lfs uploads and downloads" git_transfers_lfs
}

# dbclient knows no option for an environment, so git must not ask for another protocol.
client_dropbear() {
    needs_debian dropbear dropbear-bin
    new_repository dropbear
    client="dropbear $(dbclient -V 2>&1 | sed 's/^Dropbear v//')"
    dropbearconvert openssh dropbear "$work/id" "$place/id" 2>"$place/said"
    mkdir "$HOME/.ssh"
    echo "127.0.0.1 $(cut -d ' ' -f 2,3 "$work/known_hosts")" >"$HOME/.ssh/known_hosts"
    git config --global protocol.version 0
    export GIT_SSH_VARIANT=ssh GIT_SSH_COMMAND="dbclient -i $place/id"
    git_operations
    try "git-lfs uploads and downloads" git_transfers_lfs
}

client_asyncssh() {
    needs_python clients "$python_packages"
    new_repository asyncssh
    program="$python $here/tests/clients/asyncssh_client.py"
    client="asyncssh $($program version)"
    export GIT_SSH_VARIANT=ssh GIT_SSH_COMMAND="$program $work/id $work/known_hosts"
    try "git clones" git_clones
    try "git fetches a commit by its id" git_fetches_by_id
    try "git pushes, deletes and forces" git_pushes
    try "git-lfs uploads and downloads" git_transfers_lfs
    # shellcheck disable=SC2086 # words
    whoami() { $GIT_SSH_COMMAND -p "$port" "$login@127.0.0.1" whoami --json | grep '"user": *"alice"'; }
    try "it runs an account command" whoami
}

client_libgit2() {
    needs_python clients "$python_packages"
    new_repository libgit2
    libgit2() {
        "$python" -W ignore "$here/tests/clients/libgit2_client.py" "$1" "$repository" "$work/id" "$second"
    }
    libgit2_pushes() {
        libgit2 push
        is_pushed tree "by libgit2"
    }
    client="libgit2 $(libgit2 version)"
    try "it clones" libgit2 clone
    try "it clones shallow, and fetches the rest later" libgit2 shallow
    try "it fetches a commit by its id" libgit2 by-id
    try "it pushes" libgit2_pushes
}

client_dulwich() {
    needs_python clients "$python_packages"
    dulwich() {
        "$python" -W ignore "$here/tests/clients/dulwich_client.py" "$1" "$protocol" "$repository" "$second"
    }
    dulwich_pushes() {
        dulwich push
        is_pushed tree "by dulwich"
    }
    for protocol in 0 2; do
        new_repository "dulwich-$protocol"
        client="dulwich $(dulwich version), protocol $protocol"
        try "it clones" dulwich clone
        try "it clones shallow" dulwich shallow
        try "it fetches a commit by its id" dulwich by-id
        # Under version 0, dulwich asks for no filter.
        [ "$protocol" = 0 ] || try "it clones without blobs" dulwich partial
        try "it pushes" dulwich_pushes
    done
}

# JGit runs an ssh, or its own JSch. Debian's JSch reads PEM files, and knows ECDSA but not Ed25519.
client_jgit() {
    needs_debian jgit jgit-cli default-jre-headless
    java=$(command -v java || find /usr/lib/jvm -name java -path '*/bin/*' | head -n 1)
    jgit() {
        "$java" -XX:-UsePerfData "-Duser.home=$HOME" -cp '/usr/share/java/*' org.eclipse.jgit.pgm.Main "$@"
    }
    jgit_clones() {
        jgit clone "$repository" tree
        [ "$(history tree)" = "third second first" ]
        cmp tree/blob "$work/seed/blob"
    }
    jgit_pushes() {
        subject=$1
        jgit clone "$repository" tree
        cd tree
        jgit commit -m "$subject" --author "A <a@example.com>"
        jgit push origin HEAD:refs/heads/main
        is_pushed . "$subject"
    }
    number=$(jgit version 2>/dev/null | sed 's/^jgit version \([0-9.]*[0-9]\).*/\1/')
    client="JGit $number over ssh"
    printf '#!/bin/sh\nexec ssh -F %s "$@"\n' "$work/ssh_config" >"$place/ssh"
    chmod 755 "$place/ssh"
    export GIT_SSH="$place/ssh"
    new_repository jgit
    try "it clones" jgit_clones
    try "it pushes" jgit_pushes "by JGit"
    unset GIT_SSH

    client="JGit $number over JSch"
    new_repository jgit-jsch
    ssh-keygen -q -t ecdsa -N "" -f "$place/host_key"
    another_sshd "1iHostKey $place/host_key"
    mkdir -p "$HOME/.ssh"
    echo "[127.0.0.1]:$another_port $(cat "$place/host_key.pub")" >"$HOME/.ssh/known_hosts"
    printf 'Host 127.0.0.1\nIdentityFile %s\n' "$work/id_ecdsa" >"$HOME/.ssh/config"
    over_ssh=$repository
    repository=ssh://$login@127.0.0.1:$another_port/alice/jgit-jsch
    try "it clones" jgit_clones
    jsch_pushes() {
        jgit clone "$repository" tree
        cd tree
        jgit commit -m "by JSch" --author "A <a@example.com>"
        jgit push origin HEAD:refs/heads/main
        repository=$over_ssh
        is_pushed . "by JSch"
    }
    try "it pushes" jsch_pushes
}

client_gitoxide() {
    once gitoxide "$gitoxide_version $gitoxide_features" fetch_gitoxide
    PATH=$installed/bin:$PATH
    new_repository gitoxide
    client="gitoxide $gitoxide_version"
    gix_clones() {
        gix --no-verbose clone "$repository" tree
        [ "$(history tree)" = "third second first" ]
        cmp tree/blob "$work/seed/blob"
    }
    gix_clones_shallow() {
        gix --no-verbose clone --depth 1 "$repository" tree
        [ "$(history tree)" = third ]
        cd tree
        gix --no-verbose fetch --unshallow
        [ "$(history . origin/main)" = "third second first" ]
    }
    gix_fetches_by_id() {
        git init --quiet tree
        cd tree
        gix --no-verbose fetch --remote "$repository" "$second:refs/heads/wanted"
        [ "$(history . wanted)" = "second first" ]
    }
    try "it clones" gix_clones
    try "it clones shallow, and fetches the rest later" gix_clones_shallow
    try "it fetches a commit by its id" gix_fetches_by_id
}

# cargo's own libgit2 takes the key from an agent, and the host key from a file in HOME.
client_cargo() {
    [ -x "$cargo" ] || skip "cargo is not installed"
    client="cargo $("$cargo" --version | cut -d ' ' -f 2)"
    mkdir "$HOME/.ssh"
    cp "$work/known_hosts" "$HOME/.ssh/"
    cargo_fetches() {
        mkdir src
        touch src/lib.rs
        printf '[package]\nname = "user"\nedition = "2021"\n[dependencies]\nseed = { git = "%s", %s }\n' \
            "$url/alice/library" "$2" >Cargo.toml
        export RUSTC="${cargo%cargo}rustc" CARGO_HOME="$PWD/home" CARGO_NET_GIT_FETCH_WITH_CLI="$1"
        # shellcheck disable=SC2016 # the inner shell reads it
        ssh-agent sh -euc 'ssh-add -q "$0"; exec "$@"' "$work/id" "$cargo" fetch
        [ "$(tail -n 1 home/git/checkouts/library-*/*/seed.py)" = "$3" ]
    }
    for with in true:git false:libgit2; do
        try "it fetches a commit by its id with ${with#*:}" cargo_fetches "${with%:*}" "rev = \"$second\"" "two = 2"
        try "it fetches a tag with ${with#*:}" cargo_fetches "${with%:*}" 'tag = "v1.0.0"' "one = 1"
    done
}

client_pip() {
    number=$(python3 -m pip --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$number" ] || skip "python3 has no pip"
    pip_installs() {
        python3 -m pip install --quiet --no-deps --disable-pip-version-check --no-cache-dir --root-user-action ignore \
            --target lib "git+$url/alice/library@$1"
        [ "$(tail -n 1 lib/seed.py)" = "$2" ]
    }
    client="pip $number"
    try "it installs a commit by its id" pip_installs "$second" "two = 2"
    try "it installs a tag" pip_installs v1.0.0 "one = 1"
    git config --global protocol.version 0
    try "it installs a commit by its id, over protocol 0" pip_installs "$second" "two = 2"
}

client_uv() {
    needs_python uv "$uv_packages"
    client="uv $("$python" -m uv --version | cut -d ' ' -f 2)"
    uv_installs() {
        "$python" -m uv pip install --quiet --no-config --no-deps --cache-dir "$PWD/cache" --python "$python" \
            --target lib "git+$url/alice/library@$1"
        [ "$(tail -n 1 lib/seed.py)" = "$2" ]
    }
    try "it installs a commit by its id" uv_installs "$second" "two = 2"
    try "it installs a tag" uv_installs v1.0.0 "one = 1"
    git config --global protocol.version 0
    try "it installs a commit by its id, over protocol 0" uv_installs "$second" "two = 2"
}

client_npm() {
    needs_program npm
    number=$(npm --version)
    npm_installs() {
        npm install --cache "$PWD/cache" --no-update-notifier --no-audit --no-fund "git+$url/alice/library#$1"
        [ "$(tail -n 1 node_modules/seed/seed.py)" = "$2" ]
    }
    client="npm $number"
    try "it installs a commit by its id" npm_installs "$second" "two = 2"
    try "it installs a range of tags" npm_installs "semver:^1.0.0" "one = 1"
}

# go finds the hub by git's own rewriting of URLs, so that it needs no web server.
client_go() {
    needs_debian go golang-go golang-github-go-git-go-git-dev
    client="go $(go env GOVERSION | sed s/^go//)"
    git config --global "url.$url/.insteadOf" https://hub.test/
    export GOPRIVATE=hub.test GOFLAGS=-modcacherw GOTOOLCHAIN=local GOCACHE="$place/cache" GOPATH="$place/path"
    go_gets() {
        printf 'module user\n' >go.mod
        go get "hub.test/alice/library.git@$1"
        # shellcheck disable=SC2086 # the version is a pattern
        [ "$(tail -n 1 "$GOPATH/pkg/mod/hub.test/alice/"library.git@$2/seed.py)" = "$3" ]
    }
    try "it gets a tag" go_gets v1.0.0 "v1.0.0" "one = 1"
    try "it gets a commit by its id" go_gets "$second" "v1.0.1-*" "two = 2"
}

client_go_git() {
    needs_debian go golang-go golang-github-go-git-go-git-dev
    new_repository go-git
    # A package of a GOPATH with a go.mod may import the version 5 of Debian's GOPATH.
    mkdir -p "$place/path/src/client"
    cp tests/clients/go_git_client.go "$place/path/src/client/"
    echo "module client" >"$place/path/src/client/go.mod"
    export GO111MODULE=off GOPATH="$place/path:/usr/share/gocode" GOCACHE="$cache/go-cache"
    changes=/usr/share/doc/golang-github-go-git-go-git-dev/changelog.Debian.gz
    client="go-git $(zcat "$changes" | sed -n '1s/.*(\(.*\)-.*/\1/p')"
    (cd "$place/path/src/client" && go build -o "$place/go-git" client)
    go_git() {
        "$place/go-git" "$1" "$repository" "$login" "$work/id" "$work/known_hosts" "$second"
    }
    go_git_pushes() {
        go_git push
        is_pushed tree "by go-git"
    }
    try "it clones" go_git clone
    try "it clones shallow" go_git shallow
    try "it fetches a commit by its id" go_git by-id
    try "it pushes" go_git_pushes
}

# git-annex keeps its branches on the hub. The hub has no git-annex-shell, so git-annex stores content elsewhere, or by
# its git-lfs remote where the hub names an LFS server over HTTP.
client_git_annex() {
    needs_debian git-annex git-annex
    new_repository annex
    client="git-annex $(git annex version --raw)"
    # Its connections would outlive it. The LFS server has an address of this machine.
    git config --global annex.sshcaching false
    git config --global annex.security.allowed-ip-addresses 127.0.0.1
    annex_syncs() {
        git clone --quiet "$repository" tree
        cd tree
        git annex init here
        head -c 100000 /dev/urandom >large
        git annex add large
        git commit --quiet -m "by git-annex"
        git annex sync
        is_pushed . "by git-annex"
        git ls-remote --exit-code origin refs/heads/git-annex refs/heads/synced/main
        # HEAD stays where people are.
        [ "$(git ls-remote --symref origin HEAD | head -n 1)" = "$(printf 'ref: refs/heads/main\tHEAD')" ]
    }
    annex_copies() {
        git init --quiet tree
        cd tree
        git annex init here
        head -c 100000 /dev/urandom >large
        git annex add large
        git annex initremote lfs type=git-lfs encryption=none "url=$1"
        git config remote.lfs.annex-ssh-options "-F $place/ssh_config"
        git annex copy --to lfs large
    }
    annex_is_refused() {
        if (annex_copies "$repository") >said 2>&1; then return 1; fi
        cat said
        grep "clients that need HTTP, such as git-annex and dvc, get no LFS objects here" said
    }
    annex_copies_both_ways() {
        annex_copies "ssh://$login@127.0.0.1:$another_port/alice/annex"
        before=$(sha256sum <large)
        git annex drop large
        [ ! -e large ]
        git annex get large
        [ "$(sha256sum <large)" = "$before" ]
    }
    cp "$work/ssh_config" "$place/ssh_config"
    try "it syncs its branches" annex_syncs
    try "its git-lfs remote reads that it needs HTTP" annex_is_refused

    # The same hub with an LFS server.
    client="$client, LFS over HTTP"
    head -c 24 /dev/urandom | base64 >"$hub/key"
    chgrp "$login" "$hub/key"
    chmod 640 "$hub/key"
    mkdir "$place/objects"
    python3 tests/e2e/clients/lfs_server.py serve "$place/objects" "$hub/key" "$place/port" 2>"$place/server.log" &
    ends="$ends $!"
    await test -e "$place/port"
    cp "$hub/config.toml" "$hub/http.toml"
    printf '\n[lfs]\nmode = "http"\nurl = "http://127.0.0.1:%s/{path}"\njwt_key_file = "%s"\n' \
        "$(cat "$place/port")" "$hub/key" >>"$hub/http.toml"
    another_sshd "s,$hub/config.toml,$hub/http.toml,"
    sed "s/$port/$another_port/g" "$work/known_hosts" >"$place/known_hosts"
    sed "s/Port $port/Port $another_port/; s,$work/known_hosts,$place/known_hosts," "$work/ssh_config" \
        >"$place/ssh_config"
    try "its git-lfs remote copies both ways" annex_copies_both_ways
}

client_dvc() {
    needs_python dvc "$dvc_packages"
    client="dvc $("$python" -m dvc --version)"
    export DVC_NO_ANALYTICS=1
    # dvc runs OpenSSH, and for some steps asyncssh, which reads a plain configuration in HOME.
    mkdir -p "$HOME/.ssh"
    printf 'Host 127.0.0.1\nIdentityFile %s\nUserKnownHostsFile %s\n' "$work/id" "$work/known_hosts" \
        >"$HOME/.ssh/config"
    git config --global core.sshCommand "$GIT_SSH_COMMAND"
    unset GIT_SSH_COMMAND
    dvc_gets() {
        "$python" -m dvc get --rev "$1" "$url/alice/library" seed.py
        [ "$(tail -n 1 seed.py)" = "$2" ]
    }
    dvc_imports() {
        "$python" -m dvc init --quiet --no-scm
        "$python" -m dvc import --rev "$second" "$url/alice/library" seed.py
        [ "$(tail -n 1 seed.py)" = "two = 2" ]
        rm seed.py
        "$python" -m dvc update --rev main seed.py.dvc
        [ "$(tail -n 1 seed.py)" = "three = 3" ]
    }
    try "it gets a file of a tag" dvc_gets v1.0.0 "one = 1"
    try "it gets a file of a commit by its id" dvc_gets "$second" "two = 2"
    try "it imports a file and updates it" dvc_imports
}

client_nix() {
    needs_debian nix nix-bin
    client="nix $(nix-instantiate --version | sed 's/.* //')"
    export NIX_STORE_DIR="$place/nix/store" NIX_STATE_DIR="$place/nix/var" NIX_LOG_DIR="$place/nix/log"
    export NIX_CONF_DIR="$place/nix/etc" NIX_CONFIG="build-users-group ="
    nix_fetches() {
        rm -rf "$HOME/.cache/nix"
        input="{ url = \"$url/alice/library\"; rev = \"$second\"; $1 }"
        file=$(nix-instantiate --eval --expr "builtins.readFile \"\${builtins.fetchGit $input}/seed.py\"")
        [ "$file" = '"one = 1\ntwo = 2\n"' ]
    }
    try "it fetches a commit of a branch" nix_fetches 'ref = "main";'
    try "it fetches a commit, with all refs" nix_fetches 'allRefs = true;'
    try "it fetches a commit shallow" nix_fetches 'ref = "main"; shallow = true;'
}

# ---- The hub ----

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The tests of one client, in a process of their own.
if [ "${1-}" = --client ]; then
    client=$2
    place=$work/$client
    count=0
    # The processes that end with this client.
    ends=
    # shellcheck disable=SC2154 # the status at the end
    trap 'status=$?; [ -z "$ends" ] || kill $ends; exit "$status"' EXIT
    mkdir -p "$place/home" "$place/tmp"
    # Some clients leave files in TMPDIR.
    export HOME="$place/home" TMPDIR="$place/tmp"
    git config --global init.defaultBranch main
    "client_$client"
    exit
fi

# shellcheck source=packaging/need.sh
. packaging/need.sh
need_root || exit 1
case "$*" in
"") clients="$quick $slow" ;;
quick) clients=$quick ;;
*) clients=$* ;;
esac
for client in $clients; do
    case " $quick $slow " in
    *" $client "*) ;;
    *)
        echo "there is no client $client; the clients are: $quick $slow" >&2
        exit 2
        ;;
    esac
done
need sshd ssh ssh-keygen git git-lfs python3 || exit 1
began=$(date +%s)
if [ -z "${HUBGATE_PROGRAMS-}" ]; then
    need_cargo || exit 1
    HUBGATE_PROGRAMS=$(sh packaging/build.sh)
fi
programs=$(cd "$HUBGATE_PROGRAMS" && pwd)
here=$PWD
# Before the clients have a HOME of their own.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
cargo=$(rustc --print sysroot 2>/dev/null)/bin/cargo
within=
! unshare --mount true 2>/dev/null || within="unshare --mount"

work=$(mktemp -d)
hub=/var/lib/hubgate-clients-$$
login=hgclients$$
demo=
lane_pids=
end() {
    trap '' HUP INT TERM
    # shellcheck disable=SC2086 # words
    [ -z "$lane_pids" ] || kill $lane_pids 2>/dev/null || true
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    wait || true
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' HUP INT TERM

port=$(free_port)
: >"$work/demo"
"$programs/hubgate" demo --dir "$hub" --port "$port" --login "$login" >>"$work/demo" 2>&1 </dev/null &
demo=$!
until grep -qx ready "$work/demo"; do
    kill -0 "$demo" 2>/dev/null || {
        cat "$work/demo" >&2
        exit 1
    }
    sleep 0.1
done
url=ssh://$login@127.0.0.1:$port
cp "$hub/known_hosts" "$work/"
sed "s/^Host hub.demo stranger$/Host 127.0.0.1/; s,$hub/known_hosts,$work/known_hosts,; /^Host [hs]/,\$d" \
    "$hub/ssh_config" >"$work/ssh_config"
echo "    IdentityFile $work/id" >>"$work/ssh_config"
ssh-keygen -q -t ed25519 -N "" -f "$work/id"
ssh-keygen -q -t ecdsa -m PEM -N "" -f "$work/id_ecdsa"
{
    "$programs/hubgate" --config "$hub/config.toml" user add alice
    "$programs/hubgate" --config "$hub/config.toml" key add alice "$work/id.pub" --title ed25519
    "$programs/hubgate" --config "$hub/config.toml" key add alice "$work/id_ecdsa.pub" --title ecdsa
    "$programs/hubgate" --config "$hub/config.toml" repo create alice/library --private
} >>"$work/demo"

# Clients run git with these settings alone.
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="ssh -F $work/ssh_config"
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com
unset GIT_SSH GIT_SSH_VARIANT SSH_AUTH_SOCK XDG_RUNTIME_DIR

# The seed: three commits, of which the second is the tip of nothing. It is a package of cargo, pip, npm and go.
seed=$work/seed
git init --quiet --initial-branch main "$seed"
mkdir "$seed/src"
echo "pub fn one() {}" >"$seed/src/lib.rs"
printf '[package]\nname = "seed"\nversion = "1.0.0"\nedition = "2021"\n' >"$seed/Cargo.toml"
echo '{ "name": "seed", "version": "1.0.0" }' >"$seed/package.json"
echo "module hub.test/alice/library.git" >"$seed/go.mod"
echo "package library" >"$seed/library.go"
printf '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n' >"$seed/pyproject.toml"
cp tests/clients/backend.py "$seed/"
head -c 100000 /dev/urandom >"$seed/blob"
for commit in "first:one = 1" "second:two = 2" "third:three = 3"; do
    echo "${commit#*:}" >>"$seed/seed.py"
    git -C "$seed" add .
    git -C "$seed" commit --quiet -m "${commit%%:*}"
done
third=$(git -C "$seed" rev-parse HEAD)
second=$(git -C "$seed" rev-parse HEAD~1)
first=$(git -C "$seed" rev-parse HEAD~2)
git -C "$seed" tag v1.0.0 "$first"
git -C "$seed" push --quiet "$url/alice/library" main v1.0.0

# next: takes the next client from the queue.
next() {
    flock 9
    client=$(head -n 1 "$work/queue")
    sed -i 1d "$work/queue"
} 9>"$work/lock"

# lane: runs clients one after the other, until the queue is empty.
lane() {
    running=
    trap '[ -z "$running" ] || kill "$running"; wait; exit 130' TERM
    while next && [ -n "$client" ]; do
        limit=$patience
        [ "$client" != gitoxide ] || limit=$patience_to_build
        # shellcheck disable=SC2086 # words
        timeout --kill-after=10 "$limit" $within sh tests/clients.sh --client "$client" \
            >"$work/$client.out" 2>"$work/$client.err" </dev/null &
        running=$!
        if wait "$running"; then status=0; else status=$?; fi
        running=
        {
            flock 9
            cat "$work/$client.out"
            if [ "$status" -ne 0 ]; then
                echo "test $client: its tests run to their end ... FAILED"
                sed 's/^/    /' "$work/$client.err"
            fi
        } 9>"$work/lock" | tee -a "$work/out"
    done
}

export work hub login port url programs here cargo cargo_home within first second third
# shellcheck disable=SC2086 # words
printf '%s\n' $clients >"$work/queue"
while [ "$lanes" -gt 0 ]; do
    lane &
    lane_pids="$lane_pids $!"
    lanes=$((lanes - 1))
done
# shellcheck disable=SC2086 # words
wait $lane_pids || true
lane_pids=

# count WORDS: how many tests ended with these words.
count() {
    grep -c "^test .* \.\.\. $1" "$work/out" || true
}
failed=$(count FAILED)
[ "$failed" -eq 0 ] && result=ok || result=FAILED
echo
echo "test result: $result. $(count ok) passed; $failed failed; $(count ignored) ignored; 0 measured; 0 filtered out;" \
    "finished in $(($(date +%s) - began))s"
[ "$failed" -eq 0 ]
