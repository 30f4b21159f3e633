//! Lines as gitolite reads them.

use super::*;

fn read(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned()))).collect();
    let (lines, unread) = lines(&Source { files, ..Source::default() });
    let lines = lines.into_iter().map(|line| line.text).collect();
    (lines, unread.into_iter().map(|unread| format!("{}: {}", unread.place, unread.why)).collect())
}

#[test]
fn a_line_loses_its_comment_and_its_blanks() {
    for (line, expected) in [
        ("  RW+\t=  alice   # all", "RW+ = alice"),
        ("@g=a b=c\r", "@g = a b=c"),
        ("# nothing", ""),
        ("desc = \"a # b\" # c", "desc = \"a # b\""),
        ("desc = it\"s # b", "desc = it\"s # b"),
        ("x \"a\" b\" c # d", "x \"a\" b\" c"),
        ("x \"a # b\" c\" # d", "x \"a # b\" c\""),
        ("", ""),
    ] {
        assert_eq!(cleaned(line), expected, "{line}");
    }
    cleaned(&format!("{}#", "\"".repeat(QUOTES_MAX - 1)));
}

#[test]
fn files_are_included_once_and_in_their_order() {
    let files = [
        ("gitolite.conf", "a\ninclude \"sub/*.conf\"\nb\ninclude 'one.conf'\ninclude \"./one.conf\"\n"),
        ("one.conf", "c\ninclude \"gitolite.conf\"\n"),
        ("sub/x.conf", "x\ninclude \"one.conf\"\n"),
        ("sub/y.conf", "y\n"),
        ("sub/deep/z.conf", "z\n"),
    ];
    assert_eq!(read(&files), (["a", "x", "c", "y", "b"].map(str::to_owned).to_vec(), Vec::new()));
}

#[test]
fn what_cannot_be_included_is_reported() {
    for (line, why) in [
        ("include \"none.conf\"", "there is no file conf/none.conf"),
        ("include \"/etc/x.conf\"", "\"/etc/x.conf\" is not below conf"),
        ("include \"../x.conf\"", "\"../x.conf\" is not below conf"),
        ("include \"{a,b}.conf\"", "\"{a,b}.conf\" is not below conf"),
        ("include none.conf", "include has no file in quotes"),
        ("include \"x.txt\"", "x.txt does not end in .conf"),
        ("repo %HOSTNAME", "%HOSTNAME stands for a name that is not in gitolite-admin"),
        (
            "option x = y \\",
            "the line ends in a backslash, which gitolite joins with the next line only if \
                            continuation-lines is enabled: say so with --rc",
        ),
        (
            "@g = a\\",
            "the line ends in a backslash, which gitolite joins with the next line only if \
                     continuation-lines is enabled: say so with --rc",
        ),
        ("macro x", "a macro without a name or an end"),
    ] {
        assert_eq!(read(&[("gitolite.conf", line)]).1, [format!("conf/gitolite.conf:1: {why}")], "{line}");
    }
    assert_eq!(read(&[]).1, ["gitolite.conf: there is no file conf/gitolite.conf"]);
}

#[test]
fn a_subconf_has_groups_of_its_own() {
    let files = [
        ("gitolite.conf", "@g = a\nsubconf \"s.conf\"\nsubconf other \"t.conf\"\nRW = @g\n"),
        ("s.conf", "R = @g\n@g = b @g\nRW = @g x\nsubconf \"t.conf\"\n"),
        ("t.conf", "R = @g\n"),
    ];
    let (lines, unread) = read(&files);
    assert_eq!(
        lines,
        [
            "@g = a",
            "subconf s",
            "R = @g",
            "@s.g = b @g",
            "RW = @s.g x",
            "subconf master",
            "subconf other",
            "R = @g",
            "subconf master",
            "RW = @g"
        ]
    );
    assert_eq!(unread, ["conf/s.conf:4: a subconf cannot have a subconf"]);
}

#[test]
fn lines_are_joined_and_macros_expanded() {
    let text = "@g = a \\\n  b \\  # no comment\n c\nmacro m repo x-%1\n RW = %2 a%1\nend\nm 1 bob\nm 2 carol\nmm 3\n";
    let (lines, unread) = read(&[("gitolite.conf", text)]);
    assert_eq!(lines, ["@g = a b c", "repo x-1", "RW = bob a1", "repo x-2", "RW = carol a2", "mm 3"]);
    assert_eq!(unread, Vec::<String>::new());
    let (_, unread) = read(&[("gitolite.conf", "macro m\nR = %1 %2\nend\nm a\nm 'a b' c\n")]);
    assert_eq!(
        unread,
        [
            "conf/gitolite.conf:4: the macro m has no argument 2 here",
            "conf/gitolite.conf:5: an argument of a macro in quotes"
        ]
    );
}

#[test]
fn blocks_for_other_programs_are_dropped() {
    let text = "a\n= begin testconf\nb\n= end\nc\n=begin template-data\nd\n=end\ne";
    assert_eq!(read(&[("gitolite.conf", text)]).0, ["a", "c", "e"]);
}
