//! What records spans, and the spans below a request's.

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    trace::{FutureExt, Span as _, SpanBuilder, Status, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    resource::EnvResourceDetector,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    Asked, ServerSpan,
    collector::Collector,
    instruments::TraceInstruments,
    queue::{Exporter, queue},
};
use crate::config::{self, TraceHeadersError};

/// How long the end of the process waits for spans to be exported.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// OpenTelemetry's name for what kind of error it was.
pub(super) const ERROR_TYPE: &str = "error.type";

/// Why traces can't be recorded.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The headers for the collector can't be read.
    #[error(transparent)]
    Headers(#[from] TraceHeadersError),
    /// There can be no client for the collector.
    #[error("there can be no client for the collector of traces")]
    Client(#[source] reqwest::Error),
}

/// The traces of a node: off, or on their way to a collector. A clone records
/// into the same ones.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Recorder>>);

struct Recorder {
    tracer: SdkTracer,
    trust_incoming: bool,
    stop: CancellationToken,
    exporting: TaskTracker,
}

impl Traces {
    /// Starts a task that exports them, in the runtime that this is called in,
    /// if there is an endpoint. Nothing waits for the collector, then or later:
    /// up to 2,048 ended spans wait, and what comes on top is lost, and counted.
    ///
    /// # Errors
    /// [`TracesError`]
    pub fn start(
        config: &config::Traces,
        instruments: &TraceInstruments,
    ) -> Result<Self, TracesError> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(Self::default());
        };
        let resource = resource();
        let headers = config.headers()?;
        let collector =
            Collector::new(endpoint, headers, &resource).map_err(TracesError::Client)?;
        let (processor, ended) = queue(instruments);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                config.sample,
            ))))
            .with_span_processor(processor)
            .build();
        let stop = CancellationToken::new();
        let exporting = TaskTracker::new();
        let exporter = Exporter::new(collector, ended, stop.clone(), instruments.clone());
        exporting.spawn(exporter.run());
        exporting.close();
        Ok(Self(Some(Arc::new(Recorder {
            tracer: provider.tracer(env!("CARGO_PKG_NAME")),
            trust_incoming: config.trust_incoming,
            stop,
            exporting,
        }))))
    }

    /// Whether there are any.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins the span of a request; nothing, if it is not sampled.
    #[must_use]
    pub fn server_span(&self, asked: Asked<'_>) -> ServerSpan {
        match &self.0 {
            Some(recorder) => ServerSpan::begin(&recorder.tracer, recorder.trust_incoming, asked),
            None => ServerSpan::none(),
        }
    }

    /// Exports what has ended, for at most 3 s, and nothing after that.
    pub async fn flush(&self) {
        let Some(recorder) = &self.0 else {
            return;
        };
        recorder.stop.cancel();
        if timeout(FLUSH_TIMEOUT, recorder.exporting.wait())
            .await
            .is_err()
        {
            tracing::warn!("the collector of traces is too slow: the last spans are lost");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("on", &self.are_on())
            .finish_non_exhaustive()
    }
}

/// Who records. What `OTEL_RESOURCE_ATTRIBUTES` says, which platforms set, wins.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        ])
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build()
}

/// Does `work` under a span of that name, if it is done for a request that is
/// traced. `failure` is what kind of error came of it, from a short list of
/// ours: whatever an error says itself may hold what nobody should read.
pub async fn child<F: Future>(
    name: &'static str,
    work: F,
    failure: impl FnOnce(&F::Output) -> Option<&'static str>,
) -> F::Output {
    let span = begin(name);
    let output = work.await;
    if let Some(mut span) = span
        && let Some(kind) = failure(&output)
    {
        fail(&mut span, kind);
    }
    output
}

fn begin(name: &'static str) -> Option<Span> {
    Context::map_current(|context| {
        let tracer = context.get::<SdkTracer>()?;
        Some(tracer.build_with_context(SpanBuilder::from_name(name), context))
    })
}

pub(super) fn fail(span: &mut Span, kind: &'static str) {
    span.set_attribute(KeyValue::new(ERROR_TYPE, kind));
    span.set_status(Status::error(""));
}

/// Work that goes on in a task of its own, in the trace of whoever calls this.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.with_context(Context::current())
}
