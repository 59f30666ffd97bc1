//! Documents that describe the service, as they are served: written when
//! somebody first asks for them, so that no start waits for it.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Error;

use crate::problem::{Problem, ProblemType};

type Write = Box<dyn FnOnce() -> Result<Bytes, Error> + Send>;

/// A document that describes the service.
#[derive(Clone)]
pub struct ServedDocument(Arc<LazyLock<Result<Bytes, Error>, Write>>);

impl ServedDocument {
    /// One that `write` writes, once.
    pub fn new(write: impl FnOnce() -> Result<String, Error> + Send + 'static) -> Self {
        let write: Write = Box::new(|| write().map(Bytes::from));
        Self(Arc::new(LazyLock::new(write)))
    }
}

impl fmt::Debug for ServedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedDocument").finish_non_exhaustive()
    }
}

impl IntoResponse for ServedDocument {
    fn into_response(self) -> Response {
        let document = match &**self.0 {
            Ok(document) => document.clone(),
            Err(error) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "a document can't be written"
                );
                return Problem::new(ProblemType::Internal).into_response();
            }
        };
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, document).into_response()
    }
}
