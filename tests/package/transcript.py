"""Types and compares the transcript of README.md's section "Install it".

    transcript.py type           prints a shell script that types each command; `#` is root's prompt, `$` a colleague's
    transcript.py compare FILE   compares what was printed; a line `…` stands for any lines, `…` in a line for one word
"""

import re
import shlex
import sys

CODE = "0123456789abcdef0123456789abcdef"


def transcript():
    """The lines of the console blocks before the section's first subsection."""
    section = open("README.md").read().split("## Install it\n", 1)[1]
    section = re.split(r"(?m)^#+ [A-Z]", section, maxsplit=1)[0]
    blocks = "".join(re.findall(r"(?ms)^```console\n(.*?)^```$", section))
    # doctor warns about a hub with the host name of the examples.
    return blocks.replace("hub.example", "hub.test").splitlines()


def is_command(line):
    return line.startswith(("# ", "$ "))


def script():
    """The shell script; the code of an invitation is read from what was printed."""
    for line in filter(is_command, transcript()):
        print(f"printf '%s\\n' {shlex.quote(line)}")
        command = line[2:].replace(CODE, "'\"$code\"'")
        print(command if line[0] == "#" else f"colleague '{command}'")
        if "invite" in command:
            print("code=$(grep -x '[0-9a-f]\\{32\\}' /shared/transcript | tail -n 1)")


def pattern(line):
    """What may be printed for a line of the transcript."""
    if is_command(line):
        return re.escape(line)
    expression = re.escape(line).replace("…", r"\S+").replace(CODE, "[0-9a-f]{32}")
    return re.sub(r"\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\d", lambda _: r"\d{4}-\d\d-\d\d \d\d:\d\d", expression)


def compare(file):
    """Ends with status 1 and the first line that differs."""
    said = open(file).read().splitlines()
    at, skips = 0, False
    for line in transcript():
        if line == "…":
            skips = True
            continue
        found = at
        while skips and found < len(said) and not re.fullmatch(pattern(line), said[found]):
            found += 1
        if found >= len(said) or not re.fullmatch(pattern(line), said[found]):
            here = said[at] if at < len(said) else "nothing"
            sys.exit(f"README.md: {line}\nprinted:   {here}\nall that was printed:\n" + "\n".join(said))
        at, skips = found + 1, False
    if at != len(said) and not skips:
        sys.exit("README.md does not have: " + "\n".join(said[at:]))


if sys.argv[1] == "type":
    script()
else:
    compare(sys.argv[2])
