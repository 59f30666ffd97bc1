//! Lines for people, lines for programs.

use std::io::{self, ErrorKind, StdoutLock, Write};

use contract::Timestamp;

/// Standard output, line by line.
pub(super) struct Lines {
    out: io::BufWriter<StdoutLock<'static>>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            out: io::BufWriter::new(io::stdout().lock()),
        }
    }

    /// Prints a line; returns whether anybody reads on, as in `list | head`.
    pub(super) fn print(&mut self, line: impl std::fmt::Display) -> io::Result<bool> {
        read_on(writeln!(self.out, "{line}"))
    }

    /// Prints what is left.
    pub(super) fn end(mut self) -> io::Result<()> {
        read_on(self.out.flush()).map(drop)
    }
}

fn read_on(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// A time for people: whole seconds, of one width.
pub(super) fn seconds(time: Timestamp) -> impl std::fmt::Display {
    time.strftime("%Y-%m-%d %H:%M:%SZ")
}
