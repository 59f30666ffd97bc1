//! Frames and the opening handshake (RFC 6455), by hand: the rivals and the
//! load client must cost as little as they can.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use super::Outcome;

/// Text frame.
pub(crate) const TEXT: u8 = 1;
/// Close frame.
pub(crate) const CLOSE: u8 = 8;
/// Ping frame.
pub(crate) const PING: u8 = 9;
/// Pong frame.
pub(crate) const PONG: u8 = 10;

/// Masks are against proxies, and there are none on this way.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One frame at the start of a buffer.
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    /// Where the payload is in the buffer.
    pub(crate) payload: Range<usize>,
}

/// The frame at the start of `bytes`, if it is all there. Lengths over 64 KiB
/// don't occur here.
pub(crate) fn frame(bytes: &[u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut start) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
            4,
        ),
        short => (usize::from(short), 2),
    };
    let mask = if second & 0x80 == 0 {
        None
    } else {
        start += 4;
        bytes.get(start - 4..start)?.try_into().ok()
    };
    let end = start + length;
    (bytes.len() >= end).then_some(Frame {
        opcode: first & 0x0f,
        mask,
        payload: start..end,
    })
}

/// Appends a frame as a server sends it; returns where the payload starts.
pub(crate) fn append(opcode: u8, payload: &[u8], out: &mut Vec<u8>) -> usize {
    append_header(opcode, 0, payload.len(), out);
    let start = out.len();
    out.extend_from_slice(payload);
    start
}

/// Appends a frame as a client sends it.
pub(crate) fn append_masked(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    append_header(opcode, 0x80, payload.len(), out);
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend_from_slice(payload);
    unmask(MASK, &mut out[start..]);
}

/// Takes a mask off (or puts it on).
pub(crate) fn unmask(mask: [u8; 4], payload: &mut [u8]) {
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

fn append_header(opcode: u8, masked: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match u8::try_from(length) {
        Ok(short) if short < 126 => out.push(masked | short),
        _ => {
            out.push(masked | 126);
            let length = u16::try_from(length).unwrap_or(u16::MAX);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// The opening handshake, offering `protocol` before the token.
pub(crate) fn request(address: SocketAddr, path: &str, protocol: &str, token: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {protocol}bearer, {token}\r\n\r\n"
    )
}

/// Opens a WebSocket with [`request`], and returns the stream with what came after the answer.
pub(crate) fn open(
    address: SocketAddr,
    path: &str,
    protocol: &str,
    token: &str,
) -> Outcome<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = request(address, path, protocol, token);
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    let end = loop {
        if let Some(at) = answer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let n = stream.read(&mut chunk)?;
        if n == 0 {
            return Err("the server closed during the handshake".into());
        }
        answer.extend_from_slice(&chunk[..n]);
    };
    if !answer.starts_with(b"HTTP/1.1 101") {
        let text = String::from_utf8_lossy(&answer).into_owned();
        return Err(format!("the handshake was refused: {text}").into());
    }
    Ok((stream, answer.split_off(end)))
}
