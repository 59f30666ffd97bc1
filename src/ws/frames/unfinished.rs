//! What has come of a frame or a message whose rest has not.

use std::mem;

use bytes::Bytes;
use contract::Kind;

use super::{
    FrameError, Incoming,
    header::{Header, MAX_HEADER},
    unmask, whole,
};
use crate::ws::wire::OpCode;

/// A cut frame, a message in fragments, or both.
#[derive(Default)]
pub(super) struct Unfinished {
    header: [u8; MAX_HEADER],
    header_len: usize,
    /// The frame that has begun.
    pub(super) frame: Option<Begun>,
    /// What has come of a control frame, which may stand between fragments.
    control: Vec<u8>,
    /// What has come of a message.
    pub(super) message: Option<Message>,
}

/// A frame whose payload is not all there.
pub(super) struct Begun {
    header: Header,
    left: usize,
}

/// A message that is not all there.
pub(super) struct Message {
    kind: Kind,
    pub(super) data: Vec<u8>,
    /// So much of a text is UTF-8.
    checked: usize,
}

impl Unfinished {
    pub(super) fn is_empty(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// What has come of the next frame's header, and of what follows it at most
    /// as much as may be.
    pub(super) fn header(&self) -> &[u8] {
        &self.header[..self.header_len]
    }

    /// Takes the header, or what has come of it; returns how many bytes.
    pub(super) fn take_header(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for &byte in bytes {
            if self.has_header() {
                break;
            }
            self.header[self.header_len] = byte;
            self.header_len += 1;
            taken += 1;
        }
        taken
    }

    /// Whether the header is whole, or at its second byte can't be one.
    fn has_header(&self) -> bool {
        let len = match self.header() {
            [_, second, ..] => match second & 0x7F {
                126 => 8,
                127 => MAX_HEADER,
                _ => 6,
            },
            _ => return false,
        };
        self.header_len >= len
    }

    /// From here on, payload comes.
    pub(super) fn begin_frame(&mut self, header: Header) {
        self.header_len = 0;
        let left = usize::try_from(header.len).unwrap_or(usize::MAX);
        match header.opcode {
            OpCode::Text => self.message = Some(Message::new(Kind::Text)),
            OpCode::Binary => self.message = Some(Message::new(Kind::Binary)),
            _ => {}
        }
        self.frame = Some(Begun { header, left });
    }

    /// Takes what has come of the frame's payload; returns how many bytes.
    ///
    /// # Errors
    /// [`FrameError::NotUtf8`], as soon as it shows.
    pub(super) fn take_payload(&mut self, bytes: &mut [u8]) -> Result<usize, FrameError> {
        let Some(frame) = &mut self.frame else {
            return Ok(0);
        };
        let n = frame.left.min(bytes.len());
        let payload = &mut bytes[..n];
        unmask(payload, frame.header.mask);
        frame.header.mask.rotate_left(n % 4);
        frame.left -= n;
        if frame.header.opcode.is_control() {
            self.control.extend_from_slice(payload);
        } else if let Some(message) = &mut self.message {
            message.data.extend_from_slice(payload);
            message.check()?;
        }
        Ok(n)
    }

    /// What ends with the frame, if all of that has come.
    ///
    /// # Errors
    /// [`FrameError`]
    pub(super) fn take_whole(&mut self) -> Result<Option<Incoming>, FrameError> {
        let Some(frame) = self.frame.take_if(|frame| frame.left == 0) else {
            return Ok(None);
        };
        let Header { fin, opcode, .. } = frame.header;
        if opcode.is_control() {
            return whole(opcode, &mem::take(&mut self.control)).map(Some);
        }
        match self.message.take_if(|_| fin) {
            Some(message) => message.end().map(Some),
            None => Ok(None),
        }
    }
}

impl Message {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            data: Vec::new(),
            checked: 0,
        }
    }

    /// Looks at what has come since the last time. A character may be cut.
    fn check(&mut self) -> Result<(), FrameError> {
        if self.kind == Kind::Text {
            match std::str::from_utf8(&self.data[self.checked..]) {
                Ok(text) => self.checked += text.len(),
                Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
                Err(_) => return Err(FrameError::NotUtf8),
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Incoming, FrameError> {
        if self.kind == Kind::Text && self.checked < self.data.len() {
            return Err(FrameError::NotUtf8);
        }
        Ok(Incoming::Message {
            kind: self.kind,
            // Not as a vector: what it has spare would stay as long as this does.
            data: Bytes::copy_from_slice(&self.data),
        })
    }
}
