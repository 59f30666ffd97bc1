use std::fmt;

use crate::{block::Block, error::Error, params::Params};

/// One hash that is to be computed.
pub struct Job<'a> {
    /// The password; up to 4 GiB.
    pub password: &'a [u8],
    /// At least 8 bytes, and 16 for passwords.
    pub salt: &'a [u8],
    /// A key that is not stored beside the hash; may be empty.
    pub secret: &'a [u8],
    /// What else the hash depends on; may be empty.
    pub associated_data: &'a [u8],
    /// How much work it is.
    pub params: Params,
    /// Where the hash goes; at least 4 bytes.
    pub output: &'a mut [u8],
    /// At least [`Params::blocks`], whatever is in them; the rest is not
    /// touched. They are not wiped.
    pub memory: &'a mut [Block],
}

impl Job<'_> {
    /// Shortest salt, in bytes (RFC 9106, section 3.1).
    pub const MIN_SALT: usize = 8;
    /// Shortest output, in bytes (RFC 9106, section 3.1).
    pub const MIN_OUTPUT: usize = 4;

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.salt.len() < Self::MIN_SALT {
            return Err(Error::Salt);
        }
        if self.output.len() < Self::MIN_OUTPUT {
            return Err(Error::Output);
        }
        if self.memory.len() < self.params.blocks() {
            return Err(Error::Memory);
        }
        let lengths = [
            self.password.len(),
            self.salt.len(),
            self.secret.len(),
            self.associated_data.len(),
            self.output.len(),
        ];
        if lengths.iter().any(|&bytes| u32::try_from(bytes).is_err()) {
            return Err(Error::TooLong);
        }
        Ok(())
    }
}

/// Without what is secret.
impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
