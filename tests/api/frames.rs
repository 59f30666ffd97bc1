//! Broken frames close the socket with the code of the standard; the room goes on.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::MaybeTlsStream;

use crate::{
    mint,
    service::{Service, soon},
    socket::Socket,
};

fn tcp(socket: &mut Socket) -> &mut TcpStream {
    match socket.stream.get_mut() {
        MaybeTlsStream::Plain(stream) => stream,
        _ => panic!("not plain"),
    }
}

/// A client's frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

async fn code_after(service: &Service, bytes: &[u8]) -> u16 {
    let mut socket = service.socket_in("lobby").await;
    tcp(&mut socket).write_all(bytes).await.unwrap();
    socket.closed().await.code.into()
}

#[tokio::test]
async fn each_defect_has_its_code() {
    let service = Service::start().await;
    let mut bystander = service.socket_in("lobby").await;
    let large = "x".repeat(65_537);
    let fragments = [frame(0x01, &[b'x'; 40_000]), frame(0x80, &[b'x'; 40_000])].concat();
    let announced = [
        0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0,
    ];
    for (what, bytes, code) in [
        ("not masked", vec![0x81, 0x02, b'h', b'i'], 1002),
        ("reserved bits", frame(0xC1, b"hi"), 1002),
        ("an unknown opcode", frame(0x83, b"hi"), 1002),
        ("an unknown control opcode", frame(0x8B, b""), 1002),
        ("a fragmented ping", frame(0x09, b""), 1002),
        ("a ping of 126 bytes", frame(0x89, &[0; 126]), 1002),
        ("a continuation of nothing", frame(0x80, b"hi"), 1002),
        (
            "a message within a message",
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            1002,
        ),
        ("a close of one byte", frame(0x88, &[3]), 1002),
        ("text that is not UTF-8", frame(0x81, &[0xFF, 0xFE]), 1007),
        ("a lone surrogate", frame(0x81, &[0xED, 0xA0, 0x80]), 1007),
        ("half a character at the end", frame(0x81, &[0xC3]), 1007),
        ("64 KiB and a byte", frame(0x81, large.as_bytes()), 1009),
        ("the same in fragments", fragments, 1009),
        ("2^63 bytes announced", announced.to_vec(), 1009),
    ] {
        assert_eq!(code_after(&service, &bytes).await, code, "{what}");
    }
    bystander.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn a_whole_message_may_come_in_any_pieces() {
    let service = Service::start().await;
    let mut listener = service.socket_in("lobby").await;
    let mut socket = service.socket_in("lobby").await;
    let bytes = [
        frame(0x01, "grü".as_bytes()),
        frame(0x89, b"in between"),
        frame(0x00, "ß".as_bytes()),
        frame(0x80, b" Gott"),
    ]
    .concat();
    for byte in bytes {
        tcp(&mut socket).write_all(&[byte]).await.unwrap();
    }
    assert_eq!(listener.hear().await, "grüß Gott");
}

#[tokio::test]
async fn what_comes_in_one_breath_is_heard_whole_up_to_the_close() {
    let service = Service::start().await;
    let mut listener = service.socket_in("lobby").await;
    let mut socket = service.socket_in("lobby").await;
    // More than a socket may read before others get their turn.
    let said: Vec<String> = (0..90).map(|n| format!("{n} ").repeat(n * 8)).collect();
    let mut bytes: Vec<u8> = said
        .iter()
        .flat_map(|text| frame(0x81, text.as_bytes()))
        .collect();
    assert!(bytes.len() > 64 * 1024);
    bytes.extend(frame(0x88, &[0x03, 0xE8]));
    bytes.extend(frame(0x81, b"behind the close"));
    tcp(&mut socket).write_all(&bytes).await.unwrap();
    for text in &said {
        assert_eq!(listener.hear().await, *text);
    }
    assert_eq!(u16::from(socket.closed().await.code), 1000);
    listener.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let service = Service::start().await;
    let mut socket = service.socket_in("lobby").await;
    let tcp = tcp(&mut socket);
    tcp.write_all(&frame(0x89, b"are you there?"))
        .await
        .unwrap();
    let mut pong = [0; 16];
    soon(tcp.read_exact(&mut pong)).await.unwrap();
    assert_eq!(&pong, b"\x8A\x0Eare you there?");
}

#[tokio::test]
async fn a_close_is_answered_and_the_connection_ended() {
    let service = Service::start().await;
    let mut socket = service.socket_in("lobby").await;
    let tcp = tcp(&mut socket);
    tcp.write_all(&frame(0x88, &[0x03, 0xE8])).await.unwrap();
    let mut rest = Vec::new();
    soon(tcp.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, [0x88, 0x02, 0x03, 0xE8]);
}

#[tokio::test]
async fn a_peer_in_the_middle_of_too_much_hears_why_and_may_end_in_order() {
    let service = Service::start().await;
    let mut socket = service.socket_in("lobby").await;
    let tcp = tcp(&mut socket);
    let long = frame(0x82, &[0; 100_000]);
    tcp.write_all(&long[..50_000]).await.unwrap();
    let mut head = [0; 4];
    soon(tcp.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[2..], 1009_u16.to_be_bytes());
    for piece in long[50_000..].chunks(10_000) {
        tcp.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tcp.shutdown().await.unwrap();
    soon(tcp.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_close_that_came_with_the_handshake_ends_the_connection_at_once() {
    let service = Service::with(&[("APP__WS__CLOSE_TIMEOUT", "1min")]).await;
    let mut claims = mint::claims("lobby");
    claims["grant"] = "r".into();
    let mut bytes = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: bearer, {}\r\n\r\n",
        service.address,
        mint::token(&claims)
    )
    .into_bytes();
    // Not allowed, and then no longer there.
    bytes.extend(frame(0x81, b"hi"));
    bytes.extend(frame(0x88, &[0x03, 0xE8]));
    let mut tcp = TcpStream::connect(service.address).await.unwrap();
    tcp.write_all(&bytes).await.unwrap();
    let mut rest = Vec::new();
    soon(tcp.read_to_end(&mut rest)).await.unwrap();
    let head = rest.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(rest[head + 2..head + 4], 4507_u16.to_be_bytes());
}
