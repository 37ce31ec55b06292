//! Command lines, and how the reference client parses them.

use super::*;
use crate::cli::flag::flags;
use crate::cli::groups::{Concurrency, Debugging, Distribution, Layout, Remote, Verbose};
use crate::cli::value::CommaSeparated;

flags! {
    pub(crate) struct Example {
        full_reference: bool = switch("full-reference", "print the full reference").short('l'),
        recursive: bool = switch("recursive", "copy referrers too").short('r'),
        media_types: CommaSeparated = text("media-type", "type,…", "accepted media types"),
        debugging: Debugging,
        remote: Remote,
        verbose: Verbose,
        concurrency: Concurrency,
    }
}

flags! {
    pub(crate) struct SideFlags {
        remote: Remote,
        layout: Layout,
        distribution: Distribution,
    }
}

flags! {
    pub(crate) struct Copy {
        from: SideFlags => |flags| Side::Source.prefixed(flags),
        to: SideFlags => |flags| Side::Destination.prefixed(flags),
    }
}

/// A table with the command that has it.
trait Command: FlagTable {
    const SPEC: &'static CommandSpec;
}

impl Command for Example {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras push",
        usage: "[flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]",
        about: "Push files",
        positionals: Positionals::AtLeast(1, "the destination for pushing"),
        ..CommandSpec::BASE
    };
}

impl Command for Copy {
    const SPEC: &'static CommandSpec = &CommandSpec {
        path: "oras cp",
        usage: "[flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
        positionals: Positionals::Exactly(2, "the source and destination for copying"),
        ..CommandSpec::BASE
    };
}

fn arguments(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn run<C: Command>(line: &str) -> (C, CommandLine) {
    match parse::<C>(C::SPEC, arguments(line), &mut Vec::new()) {
        Ok(Outcome::Run(flags, line)) => (flags, line),
        Ok(Outcome::Help(_)) => panic!("{line}: help"),
        Err(error) => panic!("{line}: {error}"),
    }
}

fn error<C: Command>(line: &str) -> String {
    match parse::<C>(C::SPEC, arguments(line), &mut Vec::new()) {
        Ok(_) => panic!("{line}: no error"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn flags_and_positional_arguments_may_be_mixed() {
    for (line, positionals) in [
        ("a b", &["a", "b"][..]),
        ("a -d b --username u c", &["a", "b", "c"]),
        ("-d -- --username -l -- b", &["--username", "-l", "--", "b"]),
        ("a -- b", &["a", "b"]),
        ("- a", &["-", "a"]),
        ("-:text/plain -d -: b", &["-:text/plain", "-:", "b"]),
        ("--debug false", &["false"]),
        ("a --username -- b", &["a", "b"]),
        ("a --username --debug b", &["a", "b"]),
    ] {
        assert_eq!(run::<Example>(line).1.positionals, positionals, "{line}");
    }
}

#[test]
fn values_may_be_attached_or_follow() {
    for (line, username) in [
        ("a --username=u", "u"),
        ("a --username u", "u"),
        ("a -u u", "u"),
        ("a -uu", "u"),
        ("a -u=u", "u"),
        ("a -u==u", "=u"),
        ("a -u=", "="),
        ("a -u= -d", "="),
        ("a -du=u", "u"),
        ("a -dluu", "u"),
        ("a -du u", "u"),
        ("a -u -d", "-d"),
        ("a --username --", "--"),
        ("a --username=b=c", "b=c"),
        ("a --username one --username=two -uthree", "three"),
        ("a -uone --username=", ""),
    ] {
        assert_eq!(run::<Example>(line).0.remote.username, username, "{line}");
    }
    let empty = vec!["--username".to_owned(), String::new(), String::new()];
    let Ok(Outcome::Run(_, line)) = parse::<Example>(Example::SPEC, empty, &mut Vec::new()) else {
        panic!("refused")
    };
    assert!(line.set.contains("username"));
    assert_eq!(line.positionals, [""]);
}

#[test]
fn switches_take_a_value_only_with_an_equals_sign() {
    for (line, debug, full_reference) in [
        ("a", false, false),
        ("a -d", true, false),
        ("a -dl", true, true),
        ("a -dl=false", true, false),
        ("a --debug=T -l=0", true, false),
        ("a --debug -d=false", false, false),
        ("a -l --full-reference=False -l", false, true),
    ] {
        let command = run::<Example>(line).0;
        assert_eq!(
            (command.debugging.debug, command.full_reference),
            (debug, full_reference),
            "{line}"
        );
    }
}

#[test]
fn repeatable_flags_are_not_split_at_commas_but_lists_are() {
    let parsed =
        run::<Example>("a -H A:1,2 --header B:3 --resolve= --media-type a,b --media-type=c");
    assert_eq!(parsed.0.remote.headers, ["A:1,2", "B:3"]);
    assert_eq!(parsed.0.remote.resolve, [""]);
    assert_eq!(parsed.0.media_types.0, ["a", "b", "c"]);
}

#[test]
fn flags_set_to_their_default_are_present() {
    let set = run::<Example>("a --username= -d=false --concurrency 0x10")
        .1
        .set;
    for (long, typed) in [
        ("username", true),
        ("debug", true),
        ("concurrency", true),
        ("password", false),
        ("help", false),
    ] {
        assert_eq!(set.contains(long), typed, "{long}");
    }
}

#[test]
fn errors_have_the_messages_of_the_reference_client() {
    for (line, message) in [
        ("--foo", "unknown flag: --foo"),
        ("--foo=", "unknown flag: --foo"),
        ("--Debug", "unknown flag: --Debug\nDid you mean --debug?"),
        ("--deb", "unknown flag: --deb\nDid you mean --debug?"),
        ("--from-username", "unknown flag: --from-username"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-dxy", "unknown shorthand flag: 'x' in -xy"),
        ("-dx=y", "unknown shorthand flag: 'x' in -x=y"),
        ("-hx", "unknown shorthand flag: 'x' in -x"),
        ("-debug", "unknown shorthand flag: 'e' in -ebug"),
        ("-é", "unknown shorthand flag: 'Ã' in -é"),
        ("-d=", "unknown shorthand flag: '=' in -="),
        ("-=", "unknown shorthand flag: '=' in -="),
        ("-'", r"unknown shorthand flag: '\'' in -'"),
        ("--=x", "bad flag syntax: --=x"),
        ("---", "bad flag syntax: ---"),
        ("---x", "bad flag syntax: ---x"),
        ("--username", "flag needs an argument: --username"),
        ("-u", "flag needs an argument: 'u' in -u"),
        ("-du", "flag needs an argument: 'u' in -u"),
        (
            "--plain-http=maybe a",
            r#"invalid argument "maybe" for "--plain-http" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
        ),
        (
            "--debug=",
            r#"invalid argument "" for "-d, --debug" flag: strconv.ParseBool: parsing "": invalid syntax"#,
        ),
        (
            "-d=xy",
            r#"invalid argument "xy" for "-d, --debug" flag: strconv.ParseBool: parsing "xy": invalid syntax"#,
        ),
        (
            "--help=foo",
            r#"invalid argument "foo" for "-h, --help" flag: strconv.ParseBool: parsing "foo": invalid syntax"#,
        ),
        (
            "--concurrency abc",
            r#"invalid argument "abc" for "--concurrency" flag: strconv.ParseInt: parsing "abc": invalid syntax"#,
        ),
        (
            r#"--media-type a"b"#,
            r#"invalid argument "a\"b" for "--media-type" flag: parse error on line 1, column 2: bare " in non-quoted-field"#,
        ),
    ] {
        assert_eq!(error::<Example>(line), message, "{line}");
    }
}

#[test]
fn the_first_error_is_reported_before_later_ones_and_the_count() {
    assert_eq!(error::<Example>("--foo --bar"), "unknown flag: --foo");
    assert_eq!(error::<Example>("-u --foo --bar"), "unknown flag: --bar");
    assert_eq!(error::<Example>("-h --foo"), "unknown flag: --foo");
}

#[test]
fn a_wrong_number_of_arguments_is_explained() {
    assert_eq!(
        error::<Example>("-d"),
        "\"oras push\" requires at least 1 argument but got 0\n\
         Usage: oras push [flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]\n\
         Please specify at least 1 argument as the destination for pushing. \
         Run \"oras push -h\" for more options and examples"
    );
    assert_eq!(
        error::<Copy>("a b c"),
        "\"oras cp\" requires exactly 2 arguments but got 3\n\
         Usage: oras cp [flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]\n\
         Please specify exactly 2 arguments as the source and destination for copying. \
         Run \"oras cp -h\" for more options and examples"
    );
}

#[test]
fn help_takes_precedence_over_the_argument_count() {
    for (line, help) in [
        ("-h", true),
        ("a --help", true),
        ("-dh", true),
        ("a --help=false", false),
        ("a -- -h", false),
    ] {
        let outcome = parse::<Example>(Example::SPEC, arguments(line), &mut Vec::new());
        assert_eq!(matches!(outcome, Ok(Outcome::Help(_))), help, "{line}");
    }
}

#[test]
fn every_command_accepts_quiet() {
    for (line, quiet) in [
        ("a", false),
        ("a -q", true),
        ("--quiet a", true),
        ("a -dq", true),
        ("a -q --quiet=false", false),
        ("a -- -q", false),
    ] {
        let outcome = parse::<Example>(Example::SPEC, arguments(line), &mut Vec::new());
        let Ok(Outcome::Run(_, got)) = outcome else {
            panic!("{line}")
        };
        assert_eq!(got.quiet, quiet, "{line}");
    }
}

#[test]
fn every_use_of_a_deprecated_flag_prints_a_notice() {
    let notice = "Flag --verbose has been deprecated, and will be removed in a future release.\n";
    for (line, times) in [
        ("a", 0),
        ("a -v", 1),
        ("-v -h", 1),
        ("a -v --verbose=false", 2),
        ("-v", 1),
        ("-v --foo", 0),
    ] {
        let mut notices = Vec::new();
        let _ = parse::<Example>(Example::SPEC, arguments(line), &mut notices);
        assert_eq!(
            String::from_utf8(notices).unwrap(),
            notice.repeat(times),
            "{line}"
        );
    }
    assert!(!run::<Example>("a --verbose=false").0.verbose.is_on());
    assert!(run::<Example>("a").0.verbose.is_on());
}

#[test]
fn flags_of_a_side_have_no_short_names() {
    let parsed = run::<Copy>(
        "a b --from-username u --to-oci-layout --to-header=X:1 --from-plain-http=false",
    );
    let Copy { from, to } = parsed.0;
    assert_eq!(
        (from.remote.username.as_str(), to.remote.username.as_str()),
        ("u", "")
    );
    assert_eq!(
        (from.layout.oci_layout, to.layout.oci_layout),
        (false, true)
    );
    assert_eq!(
        (from.remote.plain_http, to.remote.plain_http),
        (Some(false), None)
    );
    assert_eq!(to.remote.headers, ["X:1"]);
    assert!(parsed.1.set.contains("from-username"));
    for (line, message) in [
        ("-u x", "unknown shorthand flag: 'u' in -u"),
        ("--username x", "unknown flag: --username"),
        (
            "--from-password-stdin",
            "unknown flag: --from-password-stdin",
        ),
        (
            "--to-distribution-spec x",
            "invalid argument \"x\" for \"--to-distribution-spec\" flag: unknown distribution specification flag: x\n\
             Available options: v1.1-referrers-tag, v1.1-referrers-api",
        ),
    ] {
        assert_eq!(error::<Copy>(line), message, "{line}");
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_are_rejected() {
    use std::os::unix::ffi::OsStringExt;
    let arguments = [
        OsString::from("push"),
        OsString::from_vec(b"a\xffb".to_vec()),
    ];
    assert_eq!(
        utf8(arguments).unwrap_err().to_string(),
        "argument \"a\u{fffd}b\" is not valid UTF-8"
    );
    assert_eq!(utf8(["é".into()]).unwrap(), ["é"]);
}
