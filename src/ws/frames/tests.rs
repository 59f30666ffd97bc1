//! Held against the library that most Rust services read frames with.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig},
};

use super::*;

const MOST: usize = 300;

/// What either reader makes of some bytes: what came, and how it ended.
#[derive(Debug, PartialEq)]
struct Outcome(Vec<Incoming>, Option<FrameError>);

fn ours(bytes: &[u8], pieces: impl Fn(usize) -> usize) -> Outcome {
    let mut frames = Frames::new(MOST);
    let mut came = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + pieces(at).max(1));
        let mut piece = bytes[at..end].to_vec();
        let mut start = 0;
        while start < piece.len() {
            match frames.read(&mut piece[start..]) {
                Ok((n, incoming)) => {
                    start += n;
                    let over = matches!(incoming, Some(Incoming::Close(_)));
                    came.extend(incoming);
                    if over {
                        return Outcome(came, None);
                    }
                }
                Err(error) => return Outcome(came, Some(error)),
            }
        }
        at = end;
    }
    Outcome(came, None)
}

/// The bytes, and then nothing yet.
struct Wire<'a>(Cursor<&'a [u8]>);

impl Read for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(bytes: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let mut socket =
        WebSocket::from_raw_socket(Wire(Cursor::new(bytes)), Role::Server, Some(config));
    let mut came = Vec::new();
    loop {
        came.push(match socket.read() {
            Ok(Message::Text(text)) => Incoming::Message {
                kind: Kind::Text,
                data: text.into(),
            },
            Ok(Message::Binary(data)) => Incoming::Message {
                kind: Kind::Binary,
                data,
            },
            Ok(Message::Ping(payload)) => Incoming::Ping(payload),
            Ok(Message::Pong(_)) => Incoming::Pong,
            Ok(Message::Close(frame)) => {
                let code = frame.map(|frame| u16::from(frame.code).to_be_bytes());
                let answer = code.map(|code| Bytes::copy_from_slice(&code));
                came.push(Incoming::Close(answer.unwrap_or_default()));
                return Outcome(came, None);
            }
            Ok(Message::Frame(_)) => unreachable!("only written"),
            Err(Error::Io(_)) => return Outcome(came, None),
            Err(Error::Capacity(_)) => return Outcome(came, Some(FrameError::TooBig)),
            Err(Error::Utf8(_)) => return Outcome(came, Some(FrameError::NotUtf8)),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => unreachable!(),
            Err(_) => return Outcome(came, Some(FrameError::Protocol)),
        });
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn payload(&mut self) -> Vec<u8> {
        let pieces = ["", "hi", "grüß Gott", "\u{1F600}", "ß", "x", "\u{FFFD}"];
        let mut payload = match self.below(8) {
            0 => vec![b'x'; [124, 125, 126, 127, 299, 300, 301][self.below(7)]],
            1 => vec![self.below(256) as u8; self.below(4)],
            2 => [1000_u16, 1005, 1006, 1016, 2999, 3000, 4999, 5000, 999][self.below(9)]
                .to_be_bytes()
                .to_vec(),
            _ => Vec::new(),
        };
        for _ in 0..self.below(4) {
            payload.extend_from_slice(pieces[self.below(pieces.len())].as_bytes());
        }
        if self.one_in(6) {
            // A character may end in the next frame, or never.
            payload.truncate(self.below(payload.len() + 1));
        }
        payload
    }

    fn frame(&mut self, inside: &mut bool, bytes: &mut Vec<u8>) {
        let control = self.one_in(4);
        let fin = control || !self.one_in(3);
        let mut opcode = match (control, *inside) {
            (true, _) => [9, 9, 10, 8][self.below(4)],
            (false, true) => 0,
            (false, false) => [1, 1, 2][self.below(3)],
        };
        if !control {
            *inside = !fin;
        }
        let mut first = if fin { 0x80 } else { 0 };
        if self.one_in(40) {
            opcode = self.below(16) as u8;
        }
        if self.one_in(60) {
            first ^= 1 << (4 + self.below(4));
        }
        let mut payload = self.payload();
        if control && !self.one_in(8) {
            payload.truncate(125);
        }
        bytes.push(first | opcode);
        let masked = if self.one_in(60) { 0 } else { 0x80 };
        match payload.len() {
            len @ 0..=125 if opcode >= 8 || !self.one_in(30) => bytes.push(masked | len as u8),
            len if !self.one_in(30) => {
                bytes.push(masked | 126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                bytes.push(masked | 127);
                let len = if self.one_in(9) { u64::MAX } else { len as u64 };
                bytes.extend_from_slice(&len.to_be_bytes());
            }
        }
        let mask = [0; 4].map(|_: u8| self.below(256) as u8);
        bytes.extend_from_slice(&mask);
        bytes.extend(
            payload
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ mask[i % 4]),
        );
    }
}

/// Whether both have heard the same, up to the same defect. A frame may have two
/// of them; and of a frame that has not come to its end the library says nothing
/// yet.
fn agree(ours: &Outcome, theirs: &Outcome, cut: bool) -> bool {
    use FrameError::{Protocol, TooBig};
    let errors = match (ours.1, theirs.1) {
        (Some(Protocol), Some(TooBig)) => true,
        (Some(_), None) => cut,
        (ours, theirs) => ours == theirs,
    };
    errors && ours.0 == theirs.0
}

#[test]
fn whatever_comes_in_whatever_pieces_is_what_the_library_makes_of_it() {
    let mut numbers = Numbers(6455);
    let (mut messages, mut ends) = (0, [0; 4]);
    for _ in 0..12_000 {
        let mut bytes = Vec::new();
        let mut inside = false;
        for _ in 0..1 + numbers.below(6) {
            numbers.frame(&mut inside, &mut bytes);
        }
        let cut = numbers.one_in(5);
        if cut {
            bytes.truncate(numbers.below(bytes.len() + 1));
        }
        let expected = theirs(&bytes);
        let most = 1 + numbers.below(40);
        for found in [
            ours(&bytes, |_| bytes.len()),
            ours(&bytes, |_| 1),
            ours(&bytes, |at| at % most),
        ] {
            assert!(
                agree(&found, &expected, cut),
                "{found:?}, but the library: {expected:?}, for {bytes:02x?}, pieces up to {most}"
            );
        }
        messages += expected.0.len();
        ends[match expected.1 {
            None => 0,
            Some(FrameError::Protocol) => 1,
            Some(FrameError::NotUtf8) => 2,
            Some(FrameError::TooBig) => 3,
        }] += 1;
    }
    // All that can happen did, many times.
    assert!(
        messages > 10_000 && ends.iter().all(|&n| n > 200),
        "{messages} {ends:?}"
    );
}

#[test]
fn nothing_is_kept_between_whole_frames() {
    let mut frames = Frames::new(MOST);
    let mut bytes = *b"\x81\x82\0\0\0\0hi\x89\x80\0\0\0\0\x81\x82";
    assert_eq!(frames.read(&mut bytes).unwrap().0, 8);
    assert!(frames.unfinished.is_none());
    assert_eq!(
        frames.read(&mut bytes[8..]).unwrap(),
        (6, Some(Incoming::Ping(Bytes::new())))
    );
    assert!(frames.unfinished.is_none());
    assert_eq!(frames.read(&mut bytes[14..]).unwrap(), (2, None));
    let mut rest = *b"\0\0\0\0ok";
    assert!(frames.read(&mut rest).unwrap().1.is_some());
    assert!(frames.unfinished.is_none());
}
