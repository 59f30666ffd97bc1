//! A blocking GET, and waiting for a server to be ready.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::Outcome;
use super::process::Guarded;

/// A port of the loopback interface on which nobody listens.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Asks for `path`, on a connection of its own.
fn ask(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    // Of 1.0 an answer ends with its connection, and is not in chunks.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    Ok(stream)
}

/// The body of `GET path`.
pub(crate) fn body(address: SocketAddr, path: &str) -> Outcome<String> {
    let mut answer = String::new();
    ask(address, path)?.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(format!("{path} is not answered with 200").into()),
    }
}

/// The status of `GET path`.
pub(crate) fn status(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = ask(address, path)?;
    // `HTTP/1.1 200`
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    let code = std::str::from_utf8(&start[9..]).ok();
    code.and_then(|code| code.parse().ok())
        .ok_or_else(|| io::Error::other("not an HTTP status line"))
}

/// Asks for `path` until the answer is 200, and returns how long that took.
/// Gives up when the server has ended or after 30 seconds.
pub(crate) fn until_ok(server: &mut Guarded, address: SocketAddr, path: &str) -> Outcome<Duration> {
    let start = Instant::now();
    loop {
        if matches!(status(address, path), Ok(200)) {
            return Ok(start.elapsed());
        }
        if server.has_ended() {
            return Err(format!("the server ended before {path} answered 200").into());
        }
        if start.elapsed() > Duration::from_secs(30) {
            return Err(format!("{path} did not answer 200 within 30 seconds").into());
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}
