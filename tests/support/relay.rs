//! Intermediaries between client and server: a listener, and copying of bytes in both directions.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Read timeout of one side before the other side is read.
const TURN: Duration = Duration::from_millis(2);

/// A listener on loopback with a thread for each connection, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Listener {
    /// Calls `handle` with each connection and a flag that is set when the listener is dropped.
    pub fn start(handle: impl Fn(TcpStream, &AtomicBool) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let stop = Arc::new(AtomicBool::new(false));
        let handle = Arc::new(handle);
        thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (handle, stop) = (Arc::clone(&handle), Arc::clone(&stop));
                    thread::spawn(move || handle(stream, &stop));
                }
            }
        });
        Self { address, stop }
    }

    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // A connection wakes the accepting thread.
        drop(TcpStream::connect(self.address));
    }
}

/// Copies bytes in both directions until one side ends. `socket` carries the connection of
/// `client`.
pub fn relay(
    mut client: impl Read + Write,
    socket: &TcpStream,
    mut server: TcpStream,
    stop: &AtomicBool,
) -> io::Result<()> {
    for stream in [socket, &server] {
        stream.set_read_timeout(Some(TURN))?;
        stream.set_nodelay(true)?;
    }
    let mut second = server.try_clone()?;
    while !stop.load(Ordering::SeqCst) {
        if !copy_available(&mut client, &mut server)? || !copy_available(&mut second, &mut client)?
        {
            break;
        }
    }
    client.flush()?;
    server.shutdown(Shutdown::Both)
}

/// Copies the available bytes. Returns false at the end of the stream.
fn copy_available(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match from.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            to.write_all(&buffer[..count])?;
            to.flush()?;
            Ok(true)
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
