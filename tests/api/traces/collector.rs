//! A collector on the loopback interface, which keeps what it is sent. It has a
//! thread of its own, and outlives the runtime of a test.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1,
};
use prost::Message;
use tokio::{net::TcpListener, runtime};

/// Longest that a test waits for spans.
const SOON: Duration = Duration::from_secs(30);

/// How it answers.
#[derive(Debug, Clone, Copy)]
pub enum Manners {
    /// It takes everything.
    Takes,
    /// It takes all but one of each request.
    TakesAllButOne,
    /// It refuses.
    Refuses,
    /// It reads, and never answers.
    Hangs,
}

pub struct Collector {
    /// Its address, without a path: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: String,
    kept: Kept,
}

#[derive(Clone)]
struct Kept {
    manners: Manners,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A span, as far as tests look at it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub trace: String,
    pub id: String,
    /// Empty, if it has none.
    pub parent: String,
    pub name: String,
    pub kind: v1::span::SpanKind,
    pub attributes: BTreeMap<String, String>,
    /// Traces and spans.
    pub links: Vec<(String, String)>,
    pub failed: bool,
    pub message: String,
    /// Of whoever recorded it.
    pub resource: BTreeMap<String, String>,
}

impl Collector {
    pub fn start() -> Self {
        Self::with(Manners::Takes)
    }

    pub fn with(manners: Manners) -> Self {
        let kept = Kept {
            manners,
            requests: Arc::default(),
        };
        let router = Router::new().fallback(take).with_state(kept.clone());
        let (bound, address) = mpsc::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        let address = address.recv_timeout(SOON).unwrap();
        Self {
            endpoint: format!("http://{address}"),
            kept,
        }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.kept.requests.lock().unwrap().clone()
    }

    /// All spans, in the order in which they came.
    pub fn spans(&self) -> Vec<Seen> {
        let requests = self.requests();
        requests.iter().flat_map(Request::spans).collect()
    }

    /// Waits until there are spans of which something holds.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            if holds(&spans) {
                return spans;
            }
            assert!(begun.elapsed() < SOON, "{what}: {spans:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that it was sent, in letters.
    pub fn text(&self) -> String {
        let bodies = self.requests().into_iter().map(|request| {
            let letters = String::from_utf8_lossy(&request.body).into_owned();
            format!("{letters}\n{:#?}\n", request.decoded())
        });
        bodies.collect()
    }
}

async fn take(
    State(kept): State<Kept>,
    headers: HeaderMap,
    uri: axum::http::Uri,
    body: Bytes,
) -> Response {
    kept.requests.lock().unwrap().push(Request {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let rejected_spans = match kept.manners {
        Manners::Takes => 0,
        Manners::TakesAllButOne => 1,
        Manners::Refuses => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Manners::Hangs => pending().await,
    };
    let answer = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: String::new(),
        }),
    };
    let media_type = [(header::CONTENT_TYPE, "application/x-protobuf")];
    (media_type, answer.encode_to_vec()).into_response()
}

impl Request {
    fn decoded(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(self.body.clone()).unwrap()
    }

    pub fn spans(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for of_resource in self.decoded().resource_spans {
            let resource = attributes(&of_resource.resource.unwrap_or_default().attributes);
            for span in of_resource.scope_spans.into_iter().flat_map(|s| s.spans) {
                seen.push(Seen::of(span, resource.clone()));
            }
        }
        seen
    }
}

impl Seen {
    fn of(span: v1::Span, resource: BTreeMap<String, String>) -> Self {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        assert!(span.events.is_empty(), "{span:?}");
        let links = span.links.iter();
        let status = span.status.clone().unwrap_or_default();
        Self {
            kind: span.kind(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            links: links
                .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
                .collect(),
            attributes: attributes(&span.attributes),
            failed: status.code() == v1::status::StatusCode::Error,
            message: status.message,
            name: span.name,
            resource,
        }
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let pairs = all
        .iter()
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref())));
    pairs.collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
