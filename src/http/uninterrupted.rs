//! Work that must not stop half-way because its client has gone.

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    accounts::AccountsError,
    problem::{Problem, ProblemType},
};

/// Does `work` to its end, whether or not anybody waits for the answer: a
/// handler is dropped with its connection, and a session that has ended in the
/// store must also end on every node. `tracker` is what the drain waits for.
pub(super) async fn uninterrupted<T: Send + 'static>(
    tracker: &TaskTracker,
    work: impl Future<Output = Result<T, AccountsError>> + Send + 'static,
) -> Result<T, Problem> {
    match tracker.spawn(work.in_current_span()).await {
        Ok(done) => Ok(done?),
        // It panicked, which the log has.
        Err(_) => Err(Problem::new(ProblemType::Internal)),
    }
}
