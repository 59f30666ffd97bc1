//! Client frames (RFC 6455, section 5): from bytes, as they come in, to whole
//! messages. No sockets and no clocks here; whatever a peer sends can be tried
//! by itself.
//!
//! Nothing is buffered of a peer that says whole frames: a message is copied
//! out of the bytes that it came in. Only a frame that is cut off by their end,
//! or a message in fragments, takes memory until its rest has come.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`Frames`]: the reader |
//! | `header` | the first 2 to 14 bytes of a frame |
//! | `unfinished` | what has come of a message whose rest has not |
//! | `close` | the content of a close frame |

mod close;
mod header;
#[cfg(test)]
mod tests;
mod unfinished;

use std::fmt;

use bytes::Bytes;
use contract::Kind;

use self::{
    close::CloseCode,
    header::{Begins, Header},
    unfinished::Unfinished,
};
use super::wire::OpCode;

/// What a peer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message, in however many frames.
    Message {
        /// Text or binary.
        kind: Kind,
        /// The payload, unmasked; text is UTF-8.
        data: Bytes,
    },
    /// A ping, which is answered with the same payload.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// The peer's close frame, and the payload of the answer to it. Nothing
    /// that follows counts.
    Close(Bytes),
}

/// Why a frame can't be taken; there is no way to find the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not a frame that a client may send.
    #[error("not a frame that a client may send")]
    Protocol,
    /// A text, or the reason of a close, that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A message of more bytes than may be.
    #[error("the message is too long")]
    TooBig,
}

/// Reads what one peer sends.
pub struct Frames {
    max_message_bytes: usize,
    /// On the heap: an idle socket has none.
    unfinished: Option<Box<Unfinished>>,
}

impl Frames {
    /// Messages of at most so many bytes, across all their frames.
    #[must_use]
    pub fn new(max_message_bytes: usize) -> Self {
        Self {
            max_message_bytes,
            unfinished: None,
        }
    }

    /// Takes from the beginning of `bytes`, which it unmasks in place, up to
    /// the end of the next message or control frame. Returns how much it took,
    /// and what that was; `None` if the rest of it has not come, and all was
    /// taken.
    ///
    /// # Errors
    /// [`FrameError`], after which there is nothing more to read.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Incoming>), FrameError> {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &mut bytes[taken..];
            let (n, incoming) = if self.unfinished.is_some() {
                self.go_on(rest)?
            } else {
                self.begin(rest)?
            };
            taken += n;
            if incoming.is_some() {
                return Ok((taken, incoming));
            }
        }
        Ok((taken, None))
    }

    /// Nothing is unfinished, and mostly a whole message is there.
    fn begin(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Incoming>), FrameError> {
        if let Begins::With(header, start) = Header::read(bytes)? {
            self.check(&header, None)?;
            let end = header.len_within(self.max_message_bytes)? + start;
            if header.fin
                && let Some(payload) = bytes.get_mut(start..end)
            {
                unmask(payload, header.mask);
                return Ok((end, Some(whole(header.opcode, payload)?)));
            }
        }
        self.unfinished = Some(Box::default());
        self.go_on(bytes)
    }

    /// Adds to what is unfinished.
    fn go_on(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Incoming>), FrameError> {
        let mut unfinished = self.unfinished.take().unwrap_or_default();
        let mut taken = 0;
        if unfinished.frame.is_none() {
            taken = unfinished.take_header(bytes);
            match Header::read(unfinished.header())? {
                Begins::With(header, _) => {
                    self.check(&header, unfinished.message.as_ref().map(|m| m.data.len()))?;
                    unfinished.begin_frame(header);
                }
                Begins::Later => {
                    self.unfinished = Some(unfinished);
                    return Ok((taken, None));
                }
            }
        }
        taken += unfinished.take_payload(&mut bytes[taken..])?;
        let incoming = unfinished.take_whole()?;
        if !unfinished.is_empty() {
            self.unfinished = Some(unfinished);
        }
        Ok((taken, incoming))
    }

    /// Whether a frame may begin so, where `said` bytes of a message in
    /// fragments have come.
    fn check(&self, header: &Header, said: Option<usize>) -> Result<(), FrameError> {
        match (header.opcode, said) {
            (opcode, _) if opcode.is_control() => Ok(()),
            (OpCode::Continuation, None) => Err(FrameError::Protocol),
            (OpCode::Text | OpCode::Binary, Some(_)) => Err(FrameError::Protocol),
            (_, said) => {
                let left = self.max_message_bytes.saturating_sub(said.unwrap_or(0));
                header.len_within(left).map(|_| ())
            }
        }
    }
}

impl fmt::Debug for Frames {
    /// Without what has come: it may be half of a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").finish_non_exhaustive()
    }
}

/// What a frame says that is a whole message by itself.
fn whole(opcode: OpCode, payload: &[u8]) -> Result<Incoming, FrameError> {
    let message = |kind| Incoming::Message {
        kind,
        data: Bytes::copy_from_slice(payload),
    };
    match opcode {
        OpCode::Text if std::str::from_utf8(payload).is_ok() => Ok(message(Kind::Text)),
        OpCode::Text => Err(FrameError::NotUtf8),
        OpCode::Binary => Ok(message(Kind::Binary)),
        OpCode::Ping => Ok(Incoming::Ping(Bytes::copy_from_slice(payload))),
        OpCode::Pong => Ok(Incoming::Pong),
        OpCode::Close => CloseCode::answer(payload).map(Incoming::Close),
        OpCode::Continuation => Err(FrameError::Protocol),
    }
}

/// Section 5.3, from a place in the payload where the mask begins anew.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let mut words = payload.chunks_exact_mut(8);
    let long = [
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ];
    for word in &mut words {
        for (byte, key) in word.iter_mut().zip(long) {
            *byte ^= key;
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(long) {
        *byte ^= key;
    }
}
