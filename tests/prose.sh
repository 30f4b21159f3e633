#!/bin/sh
# Checks the prose of the files listed below. Prints FILE:LINE for each line with a word of the deny list, and exits 1 if
# there is any.
#
# Two kinds of quoted text are skipped. In Markdown, a ```console block shows what a program prints. In other files, a
# line that contains "prose: quoted" quotes a program.
set -eu
cd "$(dirname "$0")/.."

# Each pattern matches whole words, in lower or upper case. A name with underscores is one word.
deny='whosever|whoever|whom|lest|need be|comes? by|came by|be had|anew|meanwhile|whereof|thereby|mend(s|ed|ing)?|odd(ly)?'
deny="$deny|of (theirs|ours|yours|hers|his)|of its own that"

status=0
for file in \
    README.md SECURITY.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md RELEASING.md benches/README.md \
    sshd_config.example packaging/config.toml packaging/weak-keys packaging/pam.d/* packaging/fail2ban/* packaging/*.sh \
    tests/git-lfs.sh fuzz/run.sh; do
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
exit "$status"
