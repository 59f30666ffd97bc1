use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port that nobody listens on, and nobody else can take.
#[derive(Debug)]
pub struct ClosedPort(Socket);

impl Default for ClosedPort {
    fn default() -> Self {
        Self::new()
    }
}

impl ClosedPort {
    /// A port of the loopback interface.
    #[must_use]
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        let address = self.0.local_addr().unwrap().as_socket().unwrap();
        address.to_string()
    }
}
