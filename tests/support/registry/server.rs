//! The HTTP server: one accepting thread, one thread per connection, and shutdown.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::faults::{BodyHandling, ConnectionOutcome, Effects, Stage};
use super::request::{Arrival, HeadError, Request};
use super::response::Response;
use super::routes::{self, Route};
use super::{Shared, uploads};

/// A running server. Dropping it stops all threads.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<Vec<Connection>>>,
}

impl Server {
    /// Starts accepting connections.
    pub fn start(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) -> Self {
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        // A connection wakes the accepting thread.
        drop(TcpStream::connect(self.address));
        let Some(Ok(connections)) = self.accepting.take().map(JoinHandle::join) else {
            return;
        };
        for (stream, _) in &connections {
            // Fails if the connection is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        for (_, thread) in connections {
            let _ = thread.join();
        }
    }
}

/// Stop signal for all threads.
#[derive(Debug, Default)]
pub struct Stop {
    set: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Returns whether the server is stopping.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Waits for `duration`, or until the server stops.
    pub fn pause(&self, duration: Duration) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self
            .changed
            .wait_timeout_while(guard, duration, |()| !self.is_set());
    }

    fn set(&self) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.set.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

/// A connection, to be closed, and its thread, to be joined.
type Connection = (TcpStream, JoinHandle<()>);

/// Accepts connections until the server stops, and returns them.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<Connection> {
    let mut connections = Vec::new();
    for (index, stream) in listener.incoming().enumerate() {
        if shared.stop.is_set() {
            break;
        }
        // The peer may have closed the connection already.
        let Some((stream, second)) = stream
            .ok()
            .and_then(|stream| Some((stream.try_clone().ok()?, stream)))
        else {
            continue;
        };
        let shared = Arc::clone(shared);
        let thread = thread::spawn(move || {
            // A broken connection only ends its thread: the log contains the requests.
            let _ = serve_connection(&shared, &stream, index + 1);
            let _ = stream.shutdown(Shutdown::Both);
        });
        connections.push((second, thread));
    }
    connections
}

/// Handles the requests of one connection.
fn serve_connection(shared: &Shared, stream: &TcpStream, connection: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut is_used = false;
    loop {
        let request = match Request::read_head(&mut reader) {
            Ok(Some(_)) if is_used && !shared.state().profile.keeps_connections => return Ok(()),
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(HeadError::Io(error)) => return Err(error),
            Err(HeadError::Malformed(what)) => {
                shared
                    .state()
                    .log
                    .unexpected
                    .push(format!("not HTTP: {what}"));
                Response::new(400).send(false, true, &shared.stop, &mut &*stream)?;
                return Ok(());
            }
        };
        if !serve_request(shared, &mut reader, stream, connection, request)? {
            return Ok(());
        }
        is_used = true;
    }
}

/// Handles one request. Returns whether the connection stays open.
fn serve_request(
    shared: &Shared,
    reader: &mut BufReader<&TcpStream>,
    mut stream: &TcpStream,
    connection: usize,
    mut request: Request,
) -> io::Result<bool> {
    let route = Route::of(&request.path);
    let Plan {
        number,
        refusal,
        effects,
        continues,
    } = plan(shared, &route, &request, connection);
    let waits = request.expects_continue() && request.has_body();
    // A client that waits for `100 Continue` gets a rejection without sending the body.
    let body_handling = if waits && (refusal.is_some() || effects.status.is_some()) {
        BodyHandling::Ignore
    } else {
        effects.body
    };
    if waits && continues && body_handling != BodyHandling::Ignore {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let arrival = match body_handling {
        BodyHandling::ReadAll => request.read_body(reader, u64::MAX),
        BodyHandling::CloseAfter(bytes) => request.read_body(reader, bytes),
        BodyHandling::Ignore => Arrival::Complete,
    };
    let unread = body_handling == BodyHandling::Ignore && request.has_body();

    let mut state = shared.state();
    state.log.body(number, &request.body);
    if arrival == Arrival::Partial {
        if let Route::Upload {
            repository,
            session,
        } = &route
            && refusal.is_none()
            && matches!(request.method.as_str(), "PATCH" | "PUT")
        {
            uploads::keep_partial(&mut state, repository, session, &mut request);
        }
        return Ok(false);
    }
    if effects.connection == ConnectionOutcome::ClosedBefore {
        return Ok(false);
    }
    effects.edit_request(&mut request);
    let mut response = match (refusal, effects.status) {
        (_, Some(status)) => Response::new(status),
        (Some(refusal), None) => refusal,
        (None, None) => routes::answer(&mut state, &route, &mut request).unwrap_or_else(|| {
            state
                .log
                .unexpected
                .push(format!("{} {}", request.method, request.target));
            match route {
                Route::Unknown | Route::Token => Response::new(404)
                    .header("Content-Type", "text/plain")
                    .bytes("404 page not found\n"),
                _ => super::state::unsupported(),
            }
        }),
    };
    effects.edit_response(&request, &mut response);
    if effects.connection == ConnectionOutcome::ClosedAfter {
        return Ok(false);
    }
    state.log.status(number, response.status);
    drop(state);

    let closing = unread || request.closes();
    let keep = response.send(request.method == "HEAD", closing, &shared.stop, &mut stream)?;
    if unread {
        linger(stream);
    }
    Ok(keep)
}

/// Decisions about a request before its body is read.
struct Plan {
    number: usize,
    refusal: Option<Response>,
    effects: Effects,
    continues: bool,
}

fn plan(shared: &Shared, route: &Route, request: &Request, connection: usize) -> Plan {
    let mut state = shared.state();
    let number = state.log.begin(connection, request);
    let mut effects = Effects::default();
    state.faults.apply(Stage::Arrived, request, &mut effects);
    let refusal = if effects.replaces() {
        None
    } else {
        state.auth.check(route, request).err()
    };
    if refusal.is_none() {
        state.faults.apply(Stage::Authorized, request, &mut effects);
    }
    Plan {
        number,
        refusal,
        effects,
        continues: state.profile.continues,
    }
}

/// Shuts down the sending side and waits shortly, as Go's server. Closing with unread bytes of the
/// body would reset the connection, and the peer could lose the response.
fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let mut sink = [0; 4096];
    // Reads one buffer at most, not a large body.
    let _ = stream.read(&mut sink);
}
