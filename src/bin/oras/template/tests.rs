//! Tests of whole templates: output, errors and limits.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use super::table::{ENGINE_FUNCTIONS, TABLE, UNSUPPORTED};
use super::*;

fn runtime() -> Runtime {
    let now = UNIX_EPOCH + Duration::new(1_577_836_800, 500_000_000);
    Runtime::new(Vec::new(), now)
}

/// The output of a template, or the error message.
fn render_data(template: &str, data: &Json) -> Result<String, String> {
    let mut out = Vec::new();
    match run(template, data, runtime(), &mut |bytes| out.write_all(bytes)) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => Err(error_message(&error, template)),
    }
}

fn rendered(template: &str) -> Result<String, String> {
    render_data(template, &Json::Null)
}

#[test]
fn values_are_printed_as_by_go() {
    let data = serde_json::json!({
        "small": 584, "large": 3_000_000, "odd": 1_234_567, "list": ["a", null], "nested": {"x": true, "n": 1e6},
    });
    for (template, wanted) in [
        ("{{.small}}", "584"),
        ("{{.large}} {{.odd}}", "3e+06 1.234567e+06"),
        (
            "{{print .large .odd}} {{html .large}}",
            "3e+06 1.234567e+06 3e+06",
        ),
        (
            "{{printf \"%v|%10v|%d|%q\" .large .nested .small .list}}",
            "3e+06|map[n:1e+06 x:true]|%!d(float64=584)|[\"a\" <nil>]",
        ),
        (
            "{{printf \"a\" .large .list nil (semver \"1.2.3\")}}",
            "a%!(EXTRA float64=3e+06, []interface {}=[a <nil>], <nil>, *semver.Version=1.2.3)",
        ),
        (
            "{{printf \"%s %\" \"a\"}}|{{printf \"%d%\" 50}}",
            "a %!(NOVERB)|50%!(NOVERB)",
        ),
        (
            "{{printf \"%s %q\" .nested .list}} {{printf \"%s\" (list (list \"a\" 1) nil)}}",
            "map[n:%!s(float64=1e+06) x:%!s(bool=true)] [\"a\" <nil>] [[a %!s(int=1)] <nil>]",
        ),
        ("{{html \"a\" nil \"b\"}}", "a&lt;no value&gt;b"),
        (
            "{{if gt .large 2999999.0}}{{.large}}{{else}}small{{end}}",
            "3e+06",
        ),
        ("{{$x := .large}}{{$x}}", "3e+06"),
        ("{{range .list}}[{{.}}]{{end}}", "[a][<no value>]"),
        (
            "{{.list}} {{.nested}} {{.missing}}",
            "[a <nil>] map[n:1e+06 x:true] <no value>",
        ),
        (
            "{{define \"t\"}}{{.n}}{{end}}{{template \"t\" .nested}}",
            "1e+06",
        ),
        (
            "{{define \"t\"}}[{{.}}]{{end}}{{template \"t\"}}",
            "[<no value>]",
        ),
        ("{{if true}}a{{end}} {", "a {"),
        ("no newline", "no newline"),
    ] {
        assert_eq!(
            render_data(template, &data).as_deref(),
            Ok(wanted),
            "{template}"
        );
    }
}

#[test]
fn functions_return_the_results_of_sprig() {
    for (template, wanted) in [
        // Conversions are lenient.
        (
            r#"{{int "0x1f"}} {{int "017"}} {{int "1_000"}} {{int "12abc"}} {{int 1.9}} {{int true}}"#,
            "31 15 1000 0 1 1",
        ),
        (
            r#"{{add "1" 2.9 true}} {{float64 "1e3"}} {{atoi "x"}} {{toDecimal "777"}}"#,
            "4 1000 0 511",
        ),
        (
            r"{{addf 0.1 0.2}} {{mulf 1.1 3}} {{divf 1 3}} {{round 2.345 2}}",
            "0.3 3.3 0.3333333333333333 2.35",
        ),
        (
            r"{{until 3}} {{untilStep 5 0 -2}} {{untilStep 0 5 0}} {{seq 2 -1}}",
            "[0 1 2] [5 3 1] [] 2 1 0 -1",
        ),
        (
            r#"{{max 1 "3" 2}} {{min 4 2.5}} {{mod 7 4}} {{div -7 2}} {{ceil 1.2}}"#,
            "3 2 3 -3 2",
        ),
        // Strings.
        (
            r#"{{trunc 3 "abcdef"}} {{trunc -2 "abcdef"}} {{substr 1 3 "hello"}} {{abbrev 5 "hello world"}}"#,
            "abc ef el he...",
        ),
        (
            r#"{{camelcase "http_server"}} {{snakecase "HTTPServer"}} {{kebabcase "FirstName"}}"#,
            "HttpServer http_server first-name",
        ),
        (
            r#"{{quote "a" nil 1}} {{cat "a" nil 2}} {{nindent 2 "a\nb"}}"#,
            "\"a\" \"1\" a 2 \n  a\n  b",
        ),
        (
            r#"{{(split "." "a.b")._1}} {{splitn "." 2 "a.b.c"}} {{join "-" (list 1 nil "b")}}"#,
            "b map[_0:a _1:b.c] 1-b",
        ),
        // Lists and dictionaries.
        (
            r"{{$l := list 3 1 3}}{{uniq $l}} {{without $l 3}} {{has 1 $l}} {{append $l 4}} {{rest $l}} {{$l}}",
            "[3 1] [1] true [3 1 3 4] [1 3] [3 1 3]",
        ),
        (
            r#"{{chunk 2 (until 3)}} {{slice (until 5) 1 3}} {{first (list)}} {{compact (list 0 1 "")}}"#,
            "[[0 1] [2]] [1 2] <no value> [1]",
        ),
        (
            r#"{{$d := dict "a" 1 "b"}}{{keys $d}} {{pick $d "a"}} {{omit $d "a"}} {{get $d "x"}}{{hasKey $d "b"}} {{dig "x" "y" 0 $d}}"#,
            "[a b] map[a:1] map[b:] true 0",
        ),
        (
            r#"{{merge (dict "a" (dict "x" 1)) (dict "a" (dict "x" 2 "y" 3))}}"#,
            "map[a:map[x:1 y:3]]",
        ),
        (
            r#"{{merge nil (dict) (dict "a" 1 "b" nil)}} {{merge nil nil}}"#,
            "map[a:1] map[]",
        ),
        (
            r#"{{default 1 0}} {{default 1 2}} {{coalesce nil "" 3}} {{ternary "y" "n" true}} {{empty (list)}}"#,
            "1 2 3 y true",
        ),
        // Encodings.
        (
            r#"{{dict "a" (list 1 1.5 "<")|toJson}} {{toRawJson "<"}} {{(fromJson "{\"a\":[1]}").a}}"#,
            "{\"a\":[1,1.5,\"\\u003c\"]} \"<\" [1]",
        ),
        (
            r#"{{b64enc "hi"}} {{b64dec "aGk="}} {{b32enc "hi"}} {{b32dec "NBUQ===="}} {{adler32sum "hi"}}"#,
            "aGk= hi NBUQ==== hi 20644050",
        ),
        // Paths, URLs, versions, times.
        (
            r#"{{base "/a/b.c"}} {{dir "/a/b"}} {{ext "b.c"}} {{clean "a/../b"}} {{isAbs "a"}}"#,
            "b.c /a .c b false",
        ),
        (
            r#"{{(urlParse "http://u@h:1/p?q#f").host}} {{urlJoin (dict "scheme" "http" "host" "h" "path" "p")}}"#,
            "h:1 http://h/p",
        ),
        (
            r#"{{semverCompare "^1.2 || >=3" "1.9.0"}} {{semverCompare "~1.2" "1.3.0"}} {{(semver "v1.2").Minor}}"#,
            "true false 2",
        ),
        (
            r#"{{(semver "1.10.0").Compare (semver "1.9.0")}} {{semver "2" | (semver "1").Compare}}"#,
            "1 -1",
        ),
        (
            r#"{{$t := toDate "2006-01-02" "2020-02-29"}}{{date "Jan 2" $t}} {{$t.Format "06/01"}} {{$t.Weekday}} {{$t.Year}}"#,
            "Feb 29 20/02 Saturday 2020",
        ),
        (
            r#"{{toDate "2006-01-02T15:04:05Z07:00" "2020-01-01T00:00:00+02:00"}}"#,
            "2020-01-01 00:00:00 +0200 +0200",
        ),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn a_dictionary_in_a_variable_changes_in_place() {
    for (template, wanted) in [
        (
            "{{$d := dict}}{{$_ := set $d \"k\" 1}}{{$d}}{{$_}}",
            "map[k:1]map[k:1]",
        ),
        ("{{$d := dict}}{{set $d \"k\" 1}}{{$d}}", "map[k:1]map[k:1]"),
        (
            "{{$d := dict \"a\" 1 \"b\" 2}}{{unset $d \"a\" | keys}}{{$d}}",
            "[b]map[b:2]",
        ),
        (
            "{{$d := dict}}{{range until 3}}{{$_ := set $d (print .) .}}{{end}}{{$d}}",
            "map[0:0 1:1 2:2]",
        ),
        (
            "{{$d := dict \"a\" 1}}{{$_ := merge $d (dict \"a\" 2 \"b\" 3)}}{{$d}}",
            "map[a:1 b:3]",
        ),
        (
            "{{$d := dict \"a\" 1}}{{$_ := mergeOverwrite $d (dict \"a\" 2)}}{{$d}}",
            "map[a:2]",
        ),
        // Anywhere else, only the returned copy changes.
        (
            "{{$d := dict}}{{$e := $d}}{{$_ := set $e \"k\" 1}}{{$d}}{{$e}}",
            "map[]map[k:1]",
        ),
        ("{{$d := dict}}{{len (set $d \"k\" 1)}}{{$d}}", "1map[]"),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn parse_errors_are_reported_before_any_output() {
    for (template, wanted) in [
        ("{{", "unclosed action"),
        ("{{if true}}a", "unexpected EOF"),
        ("{{define \"x\"}}a", "unexpected EOF"),
        ("{{if true}}{{range list}}a{{end}}", "unexpected EOF"),
        ("a{{end}}b", "unexpected {{end}} or {{else}}"),
        ("a{{break}}", "{{break}} outside {{range}}"),
        (
            "{{range list}}a{{else}}{{continue}}{{end}}",
            "{{continue}} outside {{range}}",
        ),
        ("a{{$x}}", "undefined variable \"$x\""),
        ("a{{if $x := 1}}{{end}}{{$x}}", "undefined variable \"$x\""),
        ("a{{$x = 1}}", "undefined variable \"$x\""),
        (
            "a{{nonsense}}{{other}}",
            "function \"nonsense\" not defined",
        ),
        (
            "a{{uuidv4}}",
            "function \"uuidv4\" of sprig is not in this oras: it needs randomness",
        ),
        (
            "{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}",
            "template: multiple definition of template \"x\"",
        ),
    ] {
        let mut out = Vec::new();
        let error = run(template, &Json::Null, runtime(), &mut |bytes| {
            out.write_all(bytes)
        })
        .unwrap_err();
        assert_eq!(
            error_message(&error, template),
            format!("template: format output:1: {wanted}"),
            "{template}"
        );
        assert!(out.is_empty(), "{template}");
    }
    let error = rendered("\n{{.a}}\n  {{nonsense}}").unwrap_err();
    assert_eq!(
        error,
        "template: format output:3: function \"nonsense\" not defined"
    );
}

#[test]
fn run_time_errors_name_the_function() {
    for (template, wanted) in [
        ("{{fail \"enough\"}}", "error calling fail: enough"),
        ("{{upper}}", "wrong number of args for upper: want 1 got 0"),
        (
            "{{trimAll \"a\" \"b\" \"c\"}}",
            "wrong number of args for trimAll: want 2 got 3",
        ),
        ("{{sub 1}}", "wrong number of args for sub: want 2 got 1"),
        (
            "{{default}}",
            "wrong number of args for default: want at least 1 got 0",
        ),
        (
            "{{upper 1}}",
            "wrong type for value; expected string; got int",
        ),
        ("{{upper .}}", "invalid value; expected string"),
        ("{{template \"x\"}}", "undefined template: x"),
    ] {
        assert_eq!(
            rendered(template),
            Err(format!("template: format output:1: {wanted}")),
            "{template}"
        );
    }
}

#[test]
fn every_function_of_the_original_is_defined_or_unsupported_with_a_reason() {
    let go =
        "and call eq ge gt html index js le len lt ne not or print printf println slice urlquery";
    let sprig = "abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec b64enc \
        base bcrypt biggest buildCustomCert camelcase cat ceil chunk clean coalesce compact concat contains date \
        dateInZone dateModify date_in_zone date_modify decryptAES deepCopy deepEqual default derivePassword dict dig dir \
        div divf duration durationRound empty encryptAES env expandenv ext fail first float64 floor fromJson genCA \
        genCAWithKey genPrivateKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get \
        getHostByName has hasKey hasPrefix hasSuffix hello htmlDate htmlDateInZone htpasswd indent initial initials int \
        int64 isAbs join kebabcase keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf mod mul mulf \
        mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson mustHas mustInitial mustLast \
        mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind mustRegexFindAll mustRegexMatch \
        mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToDate mustToJson \
        mustToPrettyJson mustToRawJson mustUniq mustWithout must_date_modify nindent nospace now omit osBase osClean osDir \
        osExt osIsAbs pick pluck plural prepend push quote randAlpha randAlphaNum randAscii randBytes randInt randNumeric \
        regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit repeat replace \
        rest reverse round semver semverCompare seq set sha1sum sha256sum sha512sum shuffle slice snakecase sortAlpha split \
        splitList splitn squote sub subf substr swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson \
        toString toStrings trim trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch \
        unset until untilStep untitle upper urlJoin urlParse uuidv4 values without wrap wrapWith";
    let wanted: BTreeSet<&str> = go.split(' ').chain(sprig.split_whitespace()).collect();
    // Names of methods start with a point.
    let functions = TABLE
        .iter()
        .filter(|function| !function.names.starts_with('.'));
    let defined = functions.flat_map(|function| function.names.split(' '));
    let names: Vec<&str> = defined
        .chain(ENGINE_FUNCTIONS.split(' '))
        .chain(UNSUPPORTED.iter().flat_map(|(names, _)| names.split(' ')))
        .collect();

    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "duplicate name");
    assert_eq!(unique, wanted);
}

#[test]
fn time_and_memory_are_limited() {
    for template in [
        "{{repeat 1000000000 \"x\"}}",
        "{{repeat 9223372036854775807 \"xx\"}}",
        "{{indent 1000000000 \"a\"}}",
        "{{until 1000000000000}}",
        "{{untilStep 0 9223372036854775807 1}}",
        "{{untilStep 0 -9223372036854775807 -1}}",
        "{{seq 1 1000000000000}}",
        "{{wrapWith 1 (repeat 10000 \"x\") (repeat 10000 \"a\")}}",
        "{{replace \"\" (repeat 100000 \"x\") (repeat 100000 \"a\")}}",
        "{{join (repeat 100000 \"x\") (until 1000)}}",
        "{{split \"\" (repeat 2000000 \"a\")}}",
        "{{$x := \"a\"}}{{range until 100}}{{$x = print $x $x}}{{end}}",
        "{{$x := list 1}}{{range until 100}}{{$x = list $x $x}}{{end}}",
        "{{$x := list}}{{range until 100000}}{{$x = list $x}}{{end}}",
        "{{$d := dict}}{{range until 100000}}{{$_ := set $d \"a\" $d}}{{end}}",
        "{{$x := list}}{{range until 100000}}{{$x = append $x .}}{{end}}",
        "{{$x := repeat 1000000 \"x\"}}{{range until 100000}}{{$y := print $x}}{{end}}",
        "{{printf \"%999999999d\" 1}}",
        "{{printf (repeat 100000 \"%[1]65535d\") 1}}",
        "{{printf (repeat 100000 \"%[1]s\") (repeat 1000000 \"a\")}}",
        "{{printf \"%.999999999f\" 1.5}}",
        "{{define \"a\"}}{{if lt . 30}}{{template \"a\" (add1 .)}}{{template \"a\" (add1 .)}}{{end}}{{end}}{{template \"a\" 0}}",
        "{{uniq (until 20000)}}",
        "{{$x := repeat 1000000 \"a\"}}{{range until 100000}}{{$y := contains \"b\" $x}}{{end}}",
        "{{$x := until 100000}}{{range until 100000}}{{$y := has -1 $x}}{{end}}",
        "{{$x := until 100000}}{{range until 100000}}{{$y := printf \"%.1d\" $x | trunc 1}}{{end}}",
    ] {
        let error = rendered(template).map(|out| out.len()).unwrap_err();
        assert!(
            error.contains("too much for a template: more than "),
            "{template}: {error}"
        );
    }
}

#[test]
fn long_else_chains_do_not_overflow_the_stack() {
    for name in ["if", "with"] {
        let chain = |links| {
            let chain = format!("{{{{else {name} 0}}}}").repeat(links);
            rendered(&format!("{{{{{name} 0}}}}{chain}{{{{else}}}}b{{{{end}}}}"))
        };
        assert_eq!(chain(100).as_deref(), Ok("b"));
        assert!(
            chain(5_000)
                .unwrap_err()
                .contains("too much for a template")
        );
    }
}

#[test]
fn extreme_arguments_within_the_limits_are_accepted() {
    for (template, wanted) in [
        ("{{untilStep 0 5 0}}{{seq 0 0 10}}", "[]"),
        ("{{wrap -1 \"a b\"}}", "a\nb"),
        (
            "{{abbrev -5 \"abc\"}}{{abbrevboth -1 -1 \"abc\"}}",
            "abcabc",
        ),
        ("{{add 9223372036854775807 1}}", "-9223372036854775808"),
        (
            "{{div (sub -9223372036854775807 1) -1}}",
            "-9223372036854775808",
        ),
        (
            "{{$x := list}}{{range until 2000}}{{$x = append $x .}}{{end}}{{len $x}}",
            "2000",
        ),
        ("{{printf \"%*d\" 1000000000 1 | len}}", "65535"),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn recursion_and_loops_are_limited() {
    let calls = |from: usize| format!("{{{{template \"{from}\"}}}}{{{{template \"{from}\"}}}}");
    let defines = (0..100).map(|n| format!("{{{{define \"{n}\"}}}}{}{{{{end}}}}", calls(n + 1)));
    let doubling = defines.collect::<String>() + "{{define \"100\"}}{{end}}" + &calls(0);
    for (template, wanted) in [
        (
            "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
            "recursion limit exceeded",
        ),
        ("{{template \"format output\"}}", "recursion limit exceeded"),
        (
            "{{define \"t\"}}{{if true}}{{with (print (print 1))}}{{template \"t\" (list (list .))}}{{end}}{{end}}{{end}}{{template \"t\"}}",
            "recursion limit exceeded",
        ),
        (
            &*doubling,
            "too much for a template: more than 67108864 bytes and items made in all",
        ),
        (
            "{{range 9223372036854775807}}{{end}}",
            "range iteration budget exhausted",
        ),
        (
            "{{$l := until 2000}}{{range $l}}{{range $l}}{{end}}{{end}}",
            "range iteration budget exhausted",
        ),
    ] {
        let wanted = format!("template: format output:1: {wanted}");
        assert_eq!(rendered(template), Err(wanted), "{template}");
    }
}

#[test]
fn output_is_limited() {
    let mut out = LimitedWriter {
        out: &mut |_| Ok(()),
        remaining: 3,
    };
    assert_eq!(out.write(b"abc").unwrap(), 3);
    assert!(
        out.write(b"d")
            .unwrap_err()
            .to_string()
            .contains("too much for a template")
    );
}

#[test]
fn now_comes_from_the_clock_of_the_runtime() {
    for (template, wanted) in [
        ("{{now}}", "2020-01-01 00:00:00.5 +0000 UTC"),
        (
            "{{htmlDate now}} {{date \"15:04:05.000\" nil}}",
            "2020-01-01 00:00:00.500",
        ),
        (
            "{{ago (int 1577833200)}} {{ago (int64 1577836861)}}",
            "1h0m1s -1m1s",
        ),
        ("{{now | dateModify \"-49h\" | durationRound}}", "2d"),
        ("{{unixEpoch now}} {{now.Weekday}}", "1577836800 Wednesday"),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn write_errors_end_a_template() {
    for writes in 0_usize..4 {
        let mut left = writes;
        let template = "a{{range 2}}{{.}}{{end}}b";
        let error = run(template, &Json::Null, runtime(), &mut |_| {
            left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(())
        })
        .unwrap_err();
        assert!(
            matches!(error, TemplateError::Io(error) if error.kind() == io::ErrorKind::StorageFull)
        );
    }
}

#[test]
fn no_prefix_or_suffix_of_a_template_panics() {
    let template = "{{define \"é\"}}{{- $x := list 1.5 \"é\\n\" `r` 'c' nil -}}{{range $i, $v := $x}}\
        {{if and (gt $i 0) (ne $i 3)}}{{printf \"%-5v|%q\" $v (index $x 1) | upper}}{{else if eq $i 3}}{{break}}\
        {{end}}{{end}}{{end}}{{/* c */}}{{template \"é\" (dict \"a\" (add 1 2)).a}}{{(semver \"1.2.3\").Major}}";
    assert!(rendered(template).is_ok());
    for (end, _) in template.char_indices() {
        let _ = rendered(&template[..end]);
        let _ = rendered(&template[end..]);
    }
}
