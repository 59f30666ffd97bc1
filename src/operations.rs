//! Routes, and what the OpenAPI document says of them, from one list.
//!
//! The description of all routes takes milliseconds and 3 MiB, so it is put
//! together when somebody asks for it: no start waits for it, and a node that
//! is never asked has no such memory.

use std::fmt;

use axum::{Router, routing::MethodRouter};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// A handler, where it is, and what describes it; `operation!` makes it.
pub struct Operation<S> {
    pub(crate) path: String,
    pub(crate) handler: MethodRouter<S>,
    pub(crate) described: fn() -> UtoipaMethodRouter<S>,
}

impl<S> fmt::Debug for Operation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The [`Operation`] of a handler that `#[utoipa::path]` describes. As
/// `utoipa_axum::routes!`, which describes at once.
macro_rules! operation {
    ($($part:ident)::+) => {
        $crate::operations::Operation {
            path: $crate::operations::operation!(@path [] $($part)::+),
            handler: $crate::operations::operation!(@methods [] $($part)::+).iter().fold(
                axum::routing::MethodRouter::new(),
                |handler, method| {
                    let method = utoipa_axum::PathItemExt::to_method_filter(method);
                    handler.on(method, $($part)::+)
                },
            ),
            described: || utoipa_axum::routes!($($part)::+),
        }
    };
    // What the attribute puts beside a handler has the handler's name, and a
    // prefix.
    (@$of:ident [$($module:ident)*] $handler:ident) => {
        utoipa_axum::paste! { <$($module::)* [<__path_ $handler>] as utoipa::Path>::$of() }
    };
    (@$of:ident [$($module:ident)*] $next:ident :: $($rest:tt)+) => {
        $crate::operations::operation!(@$of [$($module)* $next] $($rest)+)
    };
}
pub(crate) use operation;

/// Routes, with their description.
pub struct Operations<S> {
    router: Router<S>,
    described: Vec<fn() -> UtoipaMethodRouter<S>>,
    beside: Vec<fn() -> OpenApi>,
}

impl<S: Clone + Send + Sync + 'static> Operations<S> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            described: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// None yet, in a document that says something else, too: what a tag means.
    #[must_use]
    pub fn beside(document: fn() -> OpenApi) -> Self {
        Self {
            beside: vec![document],
            ..Self::new()
        }
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, operation: Operation<S>) -> Self {
        self.router = self.router.route(&operation.path, operation.handler);
        self.described.push(operation.described);
        self
    }

    /// All of others.
    #[must_use]
    pub fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.described.extend(others.described);
        self.beside.extend(others.beside);
        self
    }

    /// The routes by themselves.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// What describes them.
    #[must_use]
    pub fn into_document(self) -> OpenApi {
        let described = self.described.into_iter();
        let routes = described.fold(OpenApiRouter::default(), |routes, described| {
            routes.routes(described())
        });
        let mut document = routes.into_openapi();
        for beside in self.beside {
            document.merge(beside());
        }
        document
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Operations<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Operations<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}
