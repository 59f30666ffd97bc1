//! Client frames, beside a second reading of RFC 6455 that has all bytes before
//! it and takes its time.

use bytes::Bytes;
use contract::Kind;
use service::ws::frames::{FrameError, Frames, Incoming};

/// Most bytes of a message, here.
const MOST: usize = 300;

/// What came, and how it ended.
type Outcome = (Vec<Incoming>, Option<FrameError>);

/// The first byte says in which pieces the others come.
pub fn run(input: &[u8]) {
    let Some((&pieces, bytes)) = input.split_first() else {
        return;
    };
    let expected = second_reading(bytes);
    for size in [bytes.len(), 1, usize::from(pieces)] {
        let found = read(bytes, size.max(1));
        assert_eq!(found.0, expected.0, "in pieces of {size}");
        match (found.1, expected.1) {
            // A frame may have two defects, and which shows first is not said.
            (Some(_), Some(_)) | (None, None) => {}
            // Text is refused as soon as it can't become UTF-8 any more.
            (Some(FrameError::NotUtf8), None) => {}
            (found, expected) => panic!("{found:?}, not {expected:?}, in pieces of {size}"),
        }
    }
}

fn read(bytes: &[u8], size: usize) -> Outcome {
    let mut frames = Frames::new(MOST);
    let mut came = Vec::new();
    for piece in bytes.chunks(size) {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        while !rest.is_empty() {
            match frames.read(rest) {
                Ok((n, incoming)) => {
                    assert!(n > 0 || incoming.is_some(), "it goes on");
                    let over = matches!(incoming, Some(Incoming::Close(_)));
                    came.extend(incoming);
                    if over {
                        return (came, None);
                    }
                    rest = &mut rest[n..];
                }
                Err(error) => return (came, Some(error)),
            }
        }
    }
    (came, None)
}

fn second_reading(mut bytes: &[u8]) -> Outcome {
    let mut came = Vec::new();
    let mut message: Option<(Kind, Vec<u8>)> = None;
    loop {
        match frame(bytes, message.as_ref().map(|(_, data)| data.len())) {
            Ok(Some((opcode, fin, payload, rest))) => {
                bytes = rest;
                match said(opcode, fin, payload, &mut message) {
                    Ok(incoming) => {
                        let over = matches!(incoming, Some(Incoming::Close(_)));
                        came.extend(incoming);
                        if over {
                            return (came, None);
                        }
                    }
                    Err(error) => return (came, Some(error)),
                }
            }
            Ok(None) => return (came, None),
            Err(error) => return (came, Some(error)),
        }
    }
}

type Frame<'a> = (u8, bool, Vec<u8>, &'a [u8]);

/// The next frame, unmasked, and what follows; `None` if it isn't all there.
fn frame(bytes: &[u8], said: Option<usize>) -> Result<Option<Frame<'_>>, FrameError> {
    let [first, second, ..] = *bytes else {
        return Ok(None);
    };
    let (opcode, fin, short) = (first & 15, first >= 128, u64::from(second & 127));
    let control = opcode >= 8;
    let known = matches!(opcode, 0..=2 | 8..=10);
    if !known || first & 0x70 != 0 || second < 128 || (control && (!fin || short > 125)) {
        return Err(FrameError::Protocol);
    }
    let (size, start) = match short {
        126 => (2, 4),
        127 => (8, 10),
        _ => (0, 2),
    };
    let Some(long) = bytes.get(start - size..start) else {
        return Ok(None);
    };
    let len = match size {
        0 => short,
        _ => long.iter().fold(0, |len, &byte| len << 8 | u64::from(byte)),
    };
    let Some(mask) = bytes.get(start..start + 4) else {
        return Ok(None);
    };
    if !control {
        if (opcode == 0) != said.is_some() {
            return Err(FrameError::Protocol);
        }
        if len > (MOST - said.unwrap_or(0)) as u64 {
            return Err(FrameError::TooBig);
        }
    }
    let rest = &bytes[start + 4..];
    let len = len as usize;
    let Some(payload) = rest.get(..len) else {
        return Ok(None);
    };
    let payload = payload.iter().zip(mask.iter().cycle());
    let payload = payload.map(|(byte, key)| byte ^ key).collect();
    Ok(Some((opcode, fin, payload, &rest[len..])))
}

/// What a frame says.
fn said(
    opcode: u8,
    fin: bool,
    payload: Vec<u8>,
    message: &mut Option<(Kind, Vec<u8>)>,
) -> Result<Option<Incoming>, FrameError> {
    match opcode {
        8 => return close(&payload).map(Some),
        9 => return Ok(Some(Incoming::Ping(payload.into()))),
        10 => return Ok(Some(Incoming::Pong)),
        1 => *message = Some((Kind::Text, payload)),
        2 => *message = Some((Kind::Binary, payload)),
        _ => {
            if let Some((_, data)) = message {
                data.extend(payload);
            }
        }
    }
    let Some((kind, data)) = message.take_if(|_| fin) else {
        // What of it is no UTF-8 by now can't become any.
        return match message {
            Some((Kind::Text, data)) if !begins_as_utf8(data) => Err(FrameError::NotUtf8),
            _ => Ok(None),
        };
    };
    if kind == Kind::Text && std::str::from_utf8(&data).is_err() {
        return Err(FrameError::NotUtf8);
    }
    let data = data.into();
    Ok(Some(Incoming::Message { kind, data }))
}

fn begins_as_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn close(payload: &[u8]) -> Result<Incoming, FrameError> {
    let code = match *payload {
        [] => return Ok(Incoming::Close(Bytes::new())),
        [_] => return Err(FrameError::Protocol),
        [high, low, ..] => u16::from_be_bytes([high, low]),
    };
    if std::str::from_utf8(&payload[2..]).is_err() {
        return Err(FrameError::NotUtf8);
    }
    let never_sent = code < 1000 || matches!(code, 1004..=1006 | 1014..=2999 | 5000..);
    let answer: u16 = if never_sent { 1002 } else { code };
    Ok(Incoming::Close(Bytes::copy_from_slice(
        &answer.to_be_bytes(),
    )))
}
