//! The beginning of a client's frame (RFC 6455, section 5.2).

use super::FrameError;
use crate::ws::wire::OpCode;

/// The longest: 2 bytes, 8 of the length, 4 of the mask.
pub(super) const MAX_HEADER: usize = 14;

/// Most bytes of a control frame's payload (section 5.5).
const MAX_CONTROL: u64 = 125;

const FIN: u8 = 0b1000_0000;
const RESERVED: u8 = 0b0111_0000;
const OPCODE: u8 = 0b0000_1111;
const MASKED: u8 = 0b1000_0000;
const LEN: u8 = 0b0111_1111;

/// A client's frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: OpCode,
    /// Bytes of the payload.
    pub(super) len: u64,
    pub(super) mask: [u8; 4],
}

/// What bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    /// A header of so many bytes.
    With(Header, usize),
    /// A header whose rest has not come.
    Later,
}

impl Header {
    /// # Errors
    /// [`FrameError::Protocol`], as soon as the first two bytes show it.
    pub(super) fn read(bytes: &[u8]) -> Result<Begins, FrameError> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(Begins::Later);
        };
        let opcode = OpCode::of(first & OPCODE).ok_or(FrameError::Protocol)?;
        let fin = first & FIN != 0;
        let len = u64::from(second & LEN);
        // No extension was agreed on, and a client masks all that it sends.
        let allowed = first & RESERVED == 0
            && second & MASKED != 0
            && (!opcode.is_control() || (fin && len <= MAX_CONTROL));
        if !allowed {
            return Err(FrameError::Protocol);
        }
        let extended = match len {
            126 => rest
                .first_chunk()
                .map(|&len| (u64::from(u16::from_be_bytes(len)), 2)),
            127 => rest.first_chunk().map(|&len| (u64::from_be_bytes(len), 8)),
            len => Some((len, 0)),
        };
        let Some((len, extension)) = extended else {
            return Ok(Begins::Later);
        };
        let Some(&mask) = rest[extension..].first_chunk() else {
            return Ok(Begins::Later);
        };
        let header = Self {
            fin,
            opcode,
            len,
            mask,
        };
        Ok(Begins::With(header, 2 + extension + mask.len()))
    }

    /// The length of the payload.
    ///
    /// # Errors
    /// [`FrameError::TooBig`] if that is more than `most`, in a frame that is no
    /// control frame.
    pub(super) fn len_within(&self, most: usize) -> Result<usize, FrameError> {
        match usize::try_from(self.len) {
            Ok(len) if len <= most || self.opcode.is_control() => Ok(len),
            _ => Err(FrameError::TooBig),
        }
    }
}
