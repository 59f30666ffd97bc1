/// Why there is no hash. It says nothing about the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No hash has this cost.
    #[error(
        "a hash takes at least 8 KiB of memory a lane, at least 1 pass and 1 to 16,777,215 lanes"
    )]
    Params,
    /// A salt that RFC 9106 does not allow.
    #[error("a salt has at least 8 bytes")]
    Salt,
    /// An output that RFC 9106 does not allow.
    #[error("an output has at least 4 bytes")]
    Output,
    /// An input or an output whose length has more than 32 bits.
    #[error("a length is more than 4 GiB")]
    TooLong,
    /// Less memory than the parameters say.
    #[error("the memory has less blocks than the hash takes")]
    Memory,
}

/// Why an implementation can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The machine does not have its instructions.
    #[error("this machine has no instructions for it")]
    Missing,
    /// It does not compute what it should.
    #[error("it failed its self-test")]
    SelfTest,
}
