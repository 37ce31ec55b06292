//! Tests of rewritten response heads.

use std::fmt::Write as _;

use super::*;

#[test]
fn a_head_is_examined_when_its_empty_line_is_there() {
    for (input, wanted) in [
        ("", Head::Incomplete),
        ("HTT", Head::Incomplete),
        ("HTTP/1.1 200 OK\r\nA: b\r\n", Head::Incomplete),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", Head::Final(25)),
        ("HTTP/1.1 200 OK\nA: b\n\nbody", Head::Final(22)),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP", Head::Interim(25, 100)),
        (
            "HTTP/1.1 103 \r\nLink: </a>\r\n\r\n",
            Head::Interim(29, 103),
        ),
        ("HTTP/1.1 101 Up\r\n\r\n", Head::Final(19)),
        ("HTTP/1.1 abc\r\n\r\n", Head::Final(16)),
        ("<html>", Head::Foreign),
        ("\r\n\nHTTP/1.1 200 OK\r\n\r\n", Head::Final(22)),
        ("HTTP/2.0 200\r\n\r\n", Head::Final(16)),
    ] {
        assert_eq!(examine(input.as_bytes(), &mut 0), wanted, "{input:?}");
    }
}

#[test]
fn every_prefix_of_a_head_is_incomplete() {
    let head = "HTTP/1.1 103 Early Hints\r\nLink: </a>;\r\n rel=b\r\n\r\n";
    let mut line_start = 0;
    for len in 0..head.len() {
        let received = &head.as_bytes()[..len];
        assert_eq!(examine(received, &mut 0), Head::Incomplete, "{len}");
        assert_eq!(
            examine(received, &mut line_start),
            Head::Incomplete,
            "{len}"
        );
    }
}

#[test]
fn heads_are_rewritten_for_the_parser() {
    for (name, head, wanted) in [
        (
            "folded lines",
            "HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\td\r\nE: f\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b c d\r\nE: f\r\n\r\n",
        ),
        (
            "a fold behind the status line",
            "HTTP/1.1 200 OK\r\n A: b\r\nC: d\r\n\r\n",
            "HTTP/1.1 200 OK\r\nC: d\r\n\r\n",
        ),
        (
            "ends of lines without a carriage return",
            "HTTP/1.0 200 OK\nA: b\n\n",
            "HTTP/1.0 200 OK\r\nA: b\r\n\r\n",
        ),
        (
            "lines that are not headers",
            "HTTP/1.1 200 OK\r\ngarbage\r\nX L: a\r\n: a\r\nA:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA:\r\n\r\n",
        ),
        (
            "a repeated length",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5, 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        ),
        (
            "lengths that differ",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        ),
        (
            "another version",
            "HTTP/1.2 200 OK\r\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        ),
        (
            "a version of other messages, and empty lines before it",
            "\r\n\r\nHTTP/2.0 200 OK\r\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        ),
        (
            "control characters",
            "HTTP/1.1 200 OK\r\nA: a\u{1}b\tc\u{7f}\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: a b\tc \r\n\r\n",
        ),
        ("no reason", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200\r\n\r\n"),
    ] {
        let rewritten = String::from_utf8(rewritten(head.as_bytes())).unwrap();
        assert_eq!(rewritten, wanted, "{name}");
    }
}

#[test]
fn of_many_headers_the_needed_ones_stay() {
    let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
    for number in 0..300 {
        write!(head, "X-{number}: v\r\n").unwrap();
    }
    head += "docker-content-digest: d\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(
        String::from_utf8(rewritten(head.as_bytes())).unwrap(),
        "HTTP/1.1 200 OK\r\ndocker-content-digest: d\r\nContent-Length: 2\r\n\r\n"
    );
}

#[test]
fn a_request_says_whether_it_waits() {
    assert!(awaits_continue(
        b"PUT / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n"
    ));
    assert!(!awaits_continue(
        b"PUT / HTTP/1.1\r\nhost: a\r\n\r\nexpect: 100-continue"
    ));
}
