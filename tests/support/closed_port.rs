//! A port that refuses connections.

use std::net::SocketAddr;

/// A port of `127.0.0.1` that no server listens on and that no other test gets while this value
/// lives.
#[derive(Debug)]
pub struct ClosedPort {
    address: SocketAddr,
    #[cfg(unix)]
    _socket: std::os::fd::OwnedFd,
}

impl ClosedPort {
    /// Reserves a port: binds a socket that never listens.
    #[cfg(unix)]
    pub fn new() -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &any).expect("a loopback port is free");
        let address = getsockname(&socket).expect("a bound socket has an address");
        Self {
            address: address.try_into().expect("it is an address of IPv4"),
            _socket: socket,
        }
    }

    /// Finds a port that was free a moment ago.
    #[cfg(not(unix))]
    pub fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0");
        let address = listener.and_then(|listener| listener.local_addr());
        Self {
            address: address.expect("a loopback port is free"),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
