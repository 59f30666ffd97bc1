//! A new password from standard input, never from the arguments: those stand in
//! the list of processes, and in the history of shells.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

/// Most bytes that are read of a line.
const MAX_LINE: u64 = 64 * 1024;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub(super) enum PasswordInputError {
    #[error("the two passwords differ")]
    Differ,
    #[error("there is no password on standard input: write it there, as one line")]
    Missing,
    #[error("the password on standard input is not UTF-8")]
    NotText,
    #[error("standard input can't be read")]
    Unreadable(#[from] io::Error),
}

/// Asks twice, without echo, on a terminal; else takes the first line.
pub(super) fn read() -> Result<Zeroizing<String>, PasswordInputError> {
    let input = io::stdin();
    if input.is_terminal() {
        let password = Zeroizing::new(rpassword::prompt_password("New password: ")?);
        let again = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
        return if password == again {
            Ok(password)
        } else {
            Err(PasswordInputError::Differ)
        };
    }
    let mut line = Zeroizing::new(Vec::new());
    input.lock().take(MAX_LINE).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(PasswordInputError::Missing);
    }
    let password = str::from_utf8(line).map_err(|_| PasswordInputError::NotText)?;
    Ok(Zeroizing::new(password.to_owned()))
}
