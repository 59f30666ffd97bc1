//! Work that must not stop half-way because its client has gone.

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    problem::{Problem, ProblemType},
    telemetry::traces,
};

/// Does `work` to its end, whether or not anybody waits for the answer: a
/// handler is dropped with its connection, and a session that has ended in the
/// store must also end on every node, a message that was said must be answered
/// the same when its request is repeated. `tracker` is what the drain waits for.
pub(super) async fn uninterrupted<T, E>(
    tracker: &TaskTracker,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    match tracker.spawn(traces::carried(work).in_current_span()).await {
        Ok(done) => done.map_err(Into::into),
        // It panicked, which the log has.
        Err(_) => Err(Problem::new(ProblemType::Internal)),
    }
}
