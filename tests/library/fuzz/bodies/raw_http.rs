//! Bytes that a server sends instead of a response, through the HTTP library.
#![expect(clippy::disallowed_methods, reason = "the server is a thread")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use oras::http::{Request, Response, Transport, TransportError, UreqTransport};
use oras::manifest::MAX_MANIFEST_BYTES;
use oras::registry::{Client, PlainHttp};
use oras::store::{Source, TagLister};
use oras::{Descriptor, MediaType};

use super::check_error;
use crate::support::clock::FakeClock;

/// The bytes of a response head that are handed to the HTTP library.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The server of all runs, which sends these bytes on each connection.
static SERVER: Mutex<Option<(SocketAddr, Arc<Mutex<Script>>)>> = Mutex::new(None);

#[derive(Default)]
struct Script {
    /// The bytes of one write.
    piece: usize,
    bytes: Vec<u8>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does the operation that the first byte selects, at a server that sends the other bytes.
pub(super) fn raw_http(input: &[u8]) {
    let Some((&flags, bytes)) = input.split_first() else {
        return;
    };
    let mut server = lock(&SERVER);
    let (address, script) = server.get_or_insert_with(start);
    *lock(script) = Script {
        piece: [bytes.len().max(1), 1, 7, 100][usize::from(flags >> 2 & 3)],
        bytes: bytes.to_vec(),
    };
    let client = Client::builder()
        .transport(Checked(UreqTransport::new(), bytes.len()))
        .plain_http(PlainHttp::Always)
        .clock(FakeClock::new())
        .build();
    let repository = client.repository(&format!("{address}/a")).expect("a name");
    let blob = Descriptor::of(MediaType::OCTET_STREAM, b"hello");
    let result = match flags & 3 {
        0 => repository.resolve("v1").map(drop),
        1 => repository
            .fetch_manifest_by_reference("v1", MAX_MANIFEST_BYTES)
            .map(|it| assert!(it.descriptor().digest.matches(it.bytes()))),
        2 => repository
            .fetch(&blob)
            .and_then(|reader| reader.read_all(5))
            .map(|it| assert_eq!(it, b"hello")),
        _ => repository.tags(None, &mut |_| ControlFlow::Continue(())),
    };
    if let Err(error) = result {
        check_error(&error);
    }
}

/// A transport that checks the heads of responses. The server sends so many bytes.
struct Checked(UreqTransport, usize);

impl Transport for Checked {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let mut response = self.0.send(request)?;
        assert!((100..=999).contains(&response.status));
        let mut bytes = 0;
        for (name, value) in response.headers.iter() {
            assert!(!name.is_empty() && name.bytes().all(|it| it.is_ascii_graphic()));
            assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
            bytes += name.len() + 2;
        }
        assert!(bytes <= MAX_HEAD_BYTES);
        // A body has no more bytes than the server sent, also if it is chunked.
        let mut counted = 0;
        let sent = self.1;
        let mut body = std::mem::replace(&mut response.body, Box::new(std::io::empty()));
        response.body = Box::new(ReadFn(move |buffer: &mut [u8]| {
            let read = body.read(buffer)?;
            counted += read;
            assert!(counted <= sent, "{counted} of {sent} bytes");
            Ok(read)
        }));
        Ok(response)
    }
}

/// A reader that is a function.
struct ReadFn<F>(F);

impl<F: FnMut(&mut [u8]) -> std::io::Result<usize>> std::io::Read for ReadFn<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (self.0)(buffer)
    }
}

fn start() -> (SocketAddr, Arc<Mutex<Script>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let script = Arc::new(Mutex::new(Script::default()));
    let shared = Arc::clone(&script);
    // The thread ends with the process.
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let _ = serve(connection, &shared);
        }
    });
    (address, script)
}

/// Reads the head of a request, and sends the bytes. A client that closes the connection early is
/// not an error.
fn serve(mut connection: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        let read = connection.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..read]);
    }
    let script = lock(script);
    for piece in script.bytes.chunks(script.piece) {
        connection.write_all(piece)?;
    }
    connection.shutdown(Shutdown::Write)
}
