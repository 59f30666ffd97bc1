//! Logs: structured, to standard error, one line an event.

use std::io::{IsTerminal, stderr};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::{Log, LogFormat};

/// Crates whose finest levels print what is sent and received.
const NEVER_TRACED: &[&str] = &[
    "hyper",
    // {% if bus != "memory" %}Whole messages of the bus.
    "async_nats",
    // {% endif %}Another has its line here.
];

/// Why logs can't be written.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// Not a filter.
    #[error("`log.filter` is not a filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something else writes the logs of this process.
    #[error("logging is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging for the whole process, panics included.
///
/// # Errors
/// [`LogsError`]
pub fn start(log: &Log) -> Result<(), LogsError> {
    writing_to(stderr, stderr().is_terminal(), log)?.try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// What [`start`] starts, writing elsewhere; `ansi` is whether that shows colours.
///
/// # Errors
/// [`LogsError::Filter`]
pub fn writing_to<W>(
    writer: W,
    ansi: bool,
    log: &Log,
) -> Result<impl Subscriber + Send + Sync + use<W>, LogsError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&log.filter)?;
    let lines: Box<dyn Layer<_> + Send + Sync> = match log.format {
        LogFormat::Pretty => {
            let layer = fmt::layer().with_writer(writer).with_ansi(ansi);
            layer.with_target(false).boxed()
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().flatten_event(true);
            layer.with_writer(writer).boxed()
        }
    };
    Ok(tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(may_be_logged))
        .with(lines))
}

/// Whatever the filter says.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !NEVER_TRACED.contains(&krate)
}

/// Where a panic was, not its message: that of a wrong slice quotes the string.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, thread = std::thread::current().name(), "panicked");
}
