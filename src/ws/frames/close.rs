//! The content of a close frame (RFC 6455, sections 5.5.1 and 7.4).

use bytes::Bytes;

use super::FrameError;

/// The code for a close frame that has one which nobody may send.
const PROTOCOL_ERROR: u16 = 1002;

/// Why a peer closes.
pub(super) struct CloseCode(u16);

impl CloseCode {
    /// The payload that answers a close frame with that payload: its code.
    ///
    /// # Errors
    /// [`FrameError`]
    pub(super) fn answer(payload: &[u8]) -> Result<Bytes, FrameError> {
        let (code, reason) = match payload {
            [] => return Ok(Bytes::new()),
            [high, low, reason @ ..] => (Self(u16::from_be_bytes([*high, *low])), reason),
            [_] => return Err(FrameError::Protocol),
        };
        if std::str::from_utf8(reason).is_err() {
            return Err(FrameError::NotUtf8);
        }
        let answer = if code.may_be_sent() {
            code.0
        } else {
            PROTOCOL_ERROR
        };
        Ok(Bytes::copy_from_slice(&answer.to_be_bytes()))
    }

    /// 1004 to 1006 and 1015 never are on the wire; 1012 and 1013 are in the
    /// registry of IANA, not in the RFC.
    fn may_be_sent(&self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1013 | 3000..=4999)
    }
}
