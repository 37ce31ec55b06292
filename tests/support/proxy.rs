//! A proxy that records its requests. It connects to one upstream for all hosts.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;

use super::relay::{Listener, relay};

/// A running proxy for HTTP and SOCKS 5 on one port.
#[derive(Debug)]
pub struct TestProxy {
    listener: Listener,
    heads: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// A proxy in front of `upstream`.
    pub fn before(upstream: SocketAddr) -> Self {
        Self::start(upstream, None, PROXY_HEADERS)
    }

    /// A proxy that also forwards the headers for the proxy to `upstream`.
    pub fn repeating(upstream: SocketAddr) -> Self {
        Self::start(upstream, None, "")
    }

    /// A proxy that rejects every request with this status.
    pub fn refusing(status: &'static str) -> Self {
        Self::start(([127, 0, 0, 1], 1).into(), Some(status), PROXY_HEADERS)
    }

    fn start(
        upstream: SocketAddr,
        refusal: Option<&'static str>,
        removed_prefix: &'static str,
    ) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let listener = Listener::start({
            let heads = Arc::clone(&heads);
            move |stream, stop| {
                let conversation = Conversation {
                    upstream,
                    refusal,
                    removed_prefix,
                    heads: &heads,
                    stop,
                };
                // Clients may drop connections.
                let _ = conversation.run(&stream);
            }
        });
        Self { listener, heads }
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The heads of all requests as received; for SOCKS, the authentication and the host.
    pub fn heads(&self) -> Vec<String> {
        self.heads
            .lock()
            .expect("no thread panics while it holds the lock")
            .clone()
    }

    /// The first lines of all requests.
    pub fn lines(&self) -> Vec<String> {
        let heads = self.heads();
        heads
            .iter()
            .filter_map(|head| head.lines().next())
            .map(str::to_owned)
            .collect()
    }
}

/// Prefix of headers for the proxy.
const PROXY_HEADERS: &str = "proxy-";

struct Conversation<'a> {
    upstream: SocketAddr,
    refusal: Option<&'static str>,
    /// Prefix of headers that are not forwarded; empty to forward all.
    removed_prefix: &'static str,
    heads: &'a Mutex<Vec<String>>,
    stop: &'a AtomicBool,
}

impl Conversation<'_> {
    fn run(&self, stream: &TcpStream) -> io::Result<()> {
        let mut first = [0];
        if stream.peek(&mut first)? == 1 && first == [5] {
            return self.socks(stream);
        }
        let mut reader = BufReader::new(stream);
        let mut upstream = None;
        while let Some(head) = read_head(&mut reader)? {
            self.heads
                .lock()
                .expect("no thread panics while it holds the lock")
                .push(head.clone());
            if let Some(status) = self.refusal {
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return (&*stream).write_all(answer.as_bytes());
            }
            if head.starts_with("CONNECT ") {
                (&*stream).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
                return relay(
                    stream,
                    stream,
                    TcpStream::connect(self.upstream)?,
                    self.stop,
                );
            }
            let upstream = match &mut upstream {
                Some(upstream) => upstream,
                none => none.insert(self.connect_back(stream)?),
            };
            forward(&head, &mut reader, upstream, self.removed_prefix)?;
        }
        Ok(())
    }

    /// Connects to the upstream and copies its responses to the client unchanged.
    fn connect_back(&self, client: &TcpStream) -> io::Result<TcpStream> {
        let upstream = TcpStream::connect(self.upstream)?;
        let (mut from, mut to) = (upstream.try_clone()?, client.try_clone()?);
        thread::spawn(move || io::copy(&mut from, &mut to));
        Ok(upstream)
    }

    /// RFC 1928, with a password if the client has one.
    fn socks(&self, mut stream: &TcpStream) -> io::Result<()> {
        let [_, methods] = read(&mut stream)?;
        let mut offered = vec![0; usize::from(methods)];
        stream.read_exact(&mut offered)?;
        let mut asked = "socks5".to_owned();
        if offered.contains(&2) {
            stream.write_all(&[5, 2])?;
            let [_] = read(&mut stream)?;
            for _ in 0..2 {
                asked = format!("{asked} {}", read_text(&mut stream)?);
            }
            stream.write_all(&[1, 0])?;
        } else {
            stream.write_all(&[5, 0])?;
        }
        let [_, _, _, kind] = read(&mut stream)?;
        assert_eq!(kind, 3, "a name is what the tests send");
        let host = read_text(&mut stream)?;
        let port = u16::from_be_bytes(read(&mut stream)?);
        self.heads
            .lock()
            .expect("no thread panics while it holds the lock")
            .push(format!("{asked} {host}:{port}"));
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        relay(
            stream,
            stream,
            TcpStream::connect(self.upstream)?,
            self.stop,
        )
    }
}

/// Reads up to the empty line. Returns `None` at the end of the stream.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// Forwards a request in origin form, without the headers for the proxy.
fn forward(
    head: &str,
    body: &mut impl Read,
    upstream: &mut TcpStream,
    removed_prefix: &str,
) -> io::Result<()> {
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default();
    let (method, target) = line.split_once(' ').unwrap_or_default();
    let rest = target.strip_prefix("http://").unwrap_or_default();
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    let mut changed = format!("{method} {path}\r\n");
    let mut size = 0;
    for header in lines {
        let lower = header.to_ascii_lowercase();
        if !removed_prefix.is_empty() && lower.starts_with(removed_prefix) {
            continue;
        }
        if let Some(length) = lower.strip_prefix("content-length:") {
            size = length.trim().parse().unwrap_or(0);
        }
        changed.push_str(header);
        changed.push_str("\r\n");
    }
    upstream.write_all(changed.as_bytes())?;
    io::copy(&mut body.take(size), upstream)?;
    Ok(())
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads a string with a length byte in front.
fn read_text(stream: &mut impl Read) -> io::Result<String> {
    let [length] = read(stream)?;
    let mut text = vec![0; usize::from(length)];
    stream.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
