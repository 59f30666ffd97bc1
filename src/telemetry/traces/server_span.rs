//! The span of a request, as OpenTelemetry's conventions for HTTP have it.

use axum::http::StatusCode;
use opentelemetry::{
    Context, KeyValue,
    trace::{
        FutureExt, Link, Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, TraceId,
        Tracer as _,
    },
};
use opentelemetry_sdk::trace::SdkTracer;

use super::{Asked, incoming, recording::ERROR_TYPE};

/// The span of a request, if it is sampled. It ends when the request is
/// answered, or given up.
#[derive(Debug)]
pub struct ServerSpan(Option<Context>);

impl ServerSpan {
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Neither path nor query nor headers are recorded, and no address: people
    /// put secrets there, and others are personal.
    pub(super) fn begin(tracer: &SdkTracer, trust_incoming: bool, asked: Asked<'_>) -> Self {
        let mut builder = SpanBuilder::from_name("").with_kind(SpanKind::Server);
        let mut parent = Context::new();
        match incoming::span_context(asked.headers) {
            Some(caller) if trust_incoming => parent = parent.with_remote_span_context(caller),
            Some(caller) => builder = builder.with_links(vec![Link::with_context(caller)]),
            None => {}
        }
        let mut span = tracer.build_with_context(builder, &parent);
        if !span.is_recording() {
            return Self::none();
        }
        let method = asked.method.unwrap_or("HTTP");
        span.update_name(match asked.route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        });
        let method = asked.method.unwrap_or("_OTHER");
        span.set_attribute(KeyValue::new("http.request.method", method));
        if let Some(route) = asked.route {
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        span.set_attribute(KeyValue::new("request_id", asked.id.to_owned()));
        // What is done below finds the tracer, too.
        let context = Context::new().with_span(span).with_value(tracer.clone());
        Self(Some(context))
    }

    /// The id of its trace, if there is one.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        let context = self.0.as_ref()?;
        Some(context.span().span_context().trace_id())
    }

    /// Does what answers the request: what is traced of that is below this span.
    pub async fn within<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(context) => future.with_context(context.clone()).await,
            None => future.await,
        }
    }

    /// Ends it. What went wrong is in the log, under the same id.
    pub fn answered(self, status: StatusCode) {
        let Some(context) = self.0 else {
            return;
        };
        let span = context.span();
        let code = i64::from(status.as_u16());
        span.set_attribute(KeyValue::new("http.response.status_code", code));
        if status.is_server_error() {
            span.set_attribute(KeyValue::new(ERROR_TYPE, code.to_string()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}
