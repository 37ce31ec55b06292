//! Uploads to servers that send interim responses at any point, refuse expectations, or close
//! connections between requests.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use oras::MediaType;
use oras::store::Target;

use crate::setup::{blob, builder};
use crate::support::relay::Listener;
use crate::support::rng::Rng;

const MIB: usize = 1 << 20;

/// The behaviour of an upload server.
#[derive(Clone, Copy)]
struct Behaviour {
    /// Bytes before, in and after the body of each `PATCH` and `PUT`.
    interim: &'static str,
    /// Whether a request with `Expect` gets 417.
    refuses_expectations: bool,
    /// Whether the connection ends after each response, without notice.
    closes: bool,
}

/// Serves one connection, and appends bodies to `stored`.
fn serve(stream: TcpStream, behaviour: Behaviour, stored: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if input.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: u64 = length.map_or(0, |length| length.parse().unwrap());
        let response = match head.split(' ').next() {
            Some("head") => "404 Not Found",
            Some("post") => "202 Accepted\r\nLocation: /upload",
            Some("put" | "patch")
                if behaviour.refuses_expectations && head.contains("\r\nexpect:") =>
            {
                "417 Expectation Failed"
            }
            Some(method) => {
                for part in [length / 2, length - length / 2] {
                    output.write_all(behaviour.interim.as_bytes())?;
                    let mut body = Vec::new();
                    (&mut input).take(part).read_to_end(&mut body)?;
                    stored.lock().unwrap().extend_from_slice(&body);
                }
                output.write_all(behaviour.interim.as_bytes())?;
                match method {
                    "put" => "201 Created",
                    _ => "202 Accepted\r\nLocation: /upload",
                }
            }
            None => return Ok(()),
        };
        write!(output, "HTTP/1.1 {response}\r\nContent-Length: 0\r\n\r\n")?;
        if behaviour.closes {
            // Without reading what the client sent meanwhile, the system would reset the connection,
            // and the client might lose the response.
            output.shutdown(Shutdown::Write)?;
            io::copy(&mut input, &mut io::sink())?;
            return Ok(());
        }
    }
}

#[test]
fn uploads_succeed_whatever_a_server_sends_in_between() {
    let content = Rng::new(1).bytes(MIB + 100_000);
    let rows = [
        ("100", "HTTP/1.1 100 Continue\r\n\r\n"),
        (
            "100 with headers",
            "HTTP/1.1 100 Continue\r\nServer: x\r\n\r\n",
        ),
        (
            "100 twice",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        ),
        ("102", "HTTP/1.1 102 Processing\r\n\r\n"),
        (
            "103",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
        ),
        (
            "103 and 100",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        ),
        ("nothing", ""),
    ];
    for (name, interim) in rows {
        for (refuses_expectations, closes) in [(false, false), (true, false), (true, true)] {
            let name = format!("{name}, 417: {refuses_expectations}, closes: {closes}");
            for is_stream in [false, true] {
                let stored = Arc::new(Mutex::new(Vec::new()));
                let behaviour = Behaviour {
                    interim,
                    refuses_expectations,
                    closes,
                };
                let server = Listener::start({
                    let stored = Arc::clone(&stored);
                    // Clients may drop connections.
                    move |stream, _| drop(serve(stream, behaviour, &stored))
                });
                let client = builder().upload_chunk_bytes(MIB as u64).build();
                let repository = client
                    .repository(&format!("{}/a", server.address()))
                    .unwrap();

                if is_stream {
                    let mut stream = content.as_slice();
                    repository
                        .push_stream(&MediaType::OCTET_STREAM, &mut stream)
                        .map(drop)
                } else {
                    repository
                        .push(&blob(&content), &mut content.as_slice())
                        .map(drop)
                }
                .unwrap_or_else(|error| panic!("{name}: {}", error.chain()));

                assert!(*stored.lock().unwrap() == content, "{name}");
            }
        }
    }
}
