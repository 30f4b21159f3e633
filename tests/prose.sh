#!/bin/sh
# Checks the prose of the files listed below, and the width of all lines. Prints FILE:LINE for each line with a word of
# the deny list and for each line of more than 120 characters, and exits 1 if there is any.
#
# In Rust sources, comments, string literals and the names of functions are checked.
#
# Two kinds of quoted text are skipped. In Markdown, a ```console block shows what a program prints. In other files, a
# line that contains "prose: quoted" quotes a program.
set -eu
cd "$(dirname "$0")/.."

# Each pattern matches whole words, in lower or upper case. In text, a name with underscores is one word.
deny='whosever|whoever|whom|lest|need be|comes? by|came by|be had|anew|meanwhile|whereof|thereby|mend(s|ed|ing)?'
deny="$deny|odd(ly)?"
deny="$deny|of (theirs|ours|yours|hers|his)|of its own that|anybody|somebody|box|by and by|stops? to be"
deny="$deny|(is|are|was|be|been|were|not) (taken|good)|no longer good|good (for|until|to)|taken (for|off|back|away|as)"
deny="$deny|(is|are) none of|(be)?c(o|a)mes? of|became of|passe[ds] over|pass(ed)? over|kept back|ke(ep|eps|pt) back"
thing="path|name|key|member|place|directory|repository|option|git|line|fault|user|good"
deny="$deny|(it|this|that|which|what|who) (is|are|was) no ($thing)"
deny="$deny|(lies?|lay|left) aside|time (is|was) over|cannot go on"

# The Rust sources that are checked: files, and directories with everything beneath them.
rust_sources() {
    find bin fuzz/examples fuzz/fuzz_targets fuzz/src fuzz/tests -name '*.rs'
    # The other files of tests/e2e compare texts of sources that are not checked yet.
    find tests -name '*.rs'
    find src/access src/authorized_keys src/commands src/config src/db src/gateway src/git src/key src/lfs src/log \
        src/message src/name src/operator src/report src/repository src/request src/sandbox src/services \
        src/session -name '*.rs'
    for module in access authorized_keys clock commands config gateway git key lib log message name passwd privilege \
        process push random report repository request sandbox sealed session session_limits tests word; do
        echo "src/$module.rs"
    done
}

status=0

# No line has more than 120 characters. What cannot be split does not count: strings in Rust, a line of JSON or of a
# table, what a program prints, an entry of clippy.toml. A byte that continues a character is in the range that is
# removed.
# shellcheck disable=SC2016
LC_ALL=C find . -name target -prune -o '(' -name '*.rs' -o -name '*.md' -o -name '*.sh' -o -name '*.toml' ')' \
    -exec awk '
    FNR == 1 { state = 0; quoted = 0 }
    {
        line = $0
        gsub(/[\200-\277]/, "", line)
        shown = line
        if (FILENAME ~ /\.md$/) {
            if (line ~ /^ *```/) quoted = !quoted
            if (quoted || line ~ /^\|/) next
        } else if (FILENAME ~ /clippy\.toml$/ && line !~ /^ *#/) {
            next
        } else if (FILENAME ~ /\.rs$/) {
            shown = ""
            while (line != "") {
                if (state == 1 && match(line, /^([^"\\]|\\.)*\\?/)) {
                    line = substr(line, RLENGTH + 1)
                    if (line != "") { state = 0; line = substr(line, 2) }
                } else if (state == 2) {
                    end = index(line, "\"#")
                    line = end ? substr(line, end + 2) : ""
                    if (end) state = 0
                } else if (state == 3) {
                    end = index(line, "\"")
                    line = end ? substr(line, end + 1) : ""
                    if (end) state = 0
                } else if (match(line, /\/\/|r#"|r"|"|\047(\\.|[^\\\047])\047/)) {
                    token = substr(line, RSTART, RLENGTH)
                    shown = shown substr(line, 1, RSTART - 1 + RLENGTH)
                    line = substr(line, RSTART + RLENGTH)
                    if (token == "//") { shown = shown line; line = "" }
                    else if (token == "\"") state = 1
                    else if (token == "r#\"") state = 2
                    else if (token == "r\"") state = 3
                } else { shown = shown line; line = "" }
            }
        }
        if (length(shown) > 120) { print FILENAME ":" FNR ": more than 120 characters"; found = 1 }
    }
    END { exit found }
' '{}' + || status=1

for file in \
    README.md MOVING.md SECURITY.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md RELEASING.md benches/README.md \
    packaging/README.md \
    sshd_config.example packaging/config.toml packaging/weak-keys packaging/pam.d/* packaging/fail2ban/* \
    packaging/*.sh packaging/*.conf packaging/cron packaging/systemd/* packaging/debian/control packaging/debian/p* \
    tests/git-lfs.sh tests/clients.sh tests/package.sh tests/mutants.sh fuzz/run.sh; do
    if [ ! -r "$file" ]; then
        echo "$file: cannot be read"
        status=1
        continue
    fi
    awk -v file="$file" -v deny="(^|[^a-z0-9_])($deny)([^a-z0-9_]|\$)" '
        file ~ /\.md$/ && /^ *```/ { quoted = !quoted && /^ *```console/; next }
        !quoted && !/prose: quoted/ && tolower($0) ~ deny { print file ":" FNR ": " $0; found = 1 }
        END { exit found }
    ' "$file" || status=1
done

# A string literal may span lines, so the state is kept: 0 code, 1 string, 2 raw string with # at its end. A number may
# be odd.
deny=$(echo "$deny" | sed 's/|odd(ly)?//')
# shellcheck disable=SC2016
rust_sources | xargs awk -v deny="(^|[^a-z0-9_])($deny)([^a-z0-9_]|\$)" '
    FNR == 1 { state = 0 }
    {
        line = $0
        text = ""
        while (line != "") {
            if (state == 1 && match(line, /^([^"\\]|\\.)*\\?/)) {
                text = text " " substr(line, 1, RLENGTH)
                line = substr(line, RLENGTH + 1)
                if (line != "") { state = 0; line = substr(line, 2) }
            } else if (state == 2) {
                end = index(line, "\"#")
                text = text " " (end ? substr(line, 1, end - 1) : line)
                line = end ? substr(line, end + 2) : ""
                if (end) state = 0
            } else if (match(line, /\/\/|r#"|"|\047(\\.|[^\\\047])\047/)) {
                token = substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
                if (token == "//") { text = text " " line; line = "" }
                else if (token == "\"") state = 1
                else if (token == "r#\"") state = 2
            } else line = ""
        }
        if (match($0, /fn [a-z0-9_]+/)) {
            name = substr($0, RSTART + 3, RLENGTH - 3)
            gsub(/_/, " ", name)
            text = text " " name
        }
        if ($0 !~ /prose: quoted/ && tolower(text) ~ deny) { print FILENAME ":" FNR ": " $0; found = 1 }
    }
    END { exit found }
' || status=1
exit "$status"
