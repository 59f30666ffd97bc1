//! One request to the collector: OTLP over HTTP, in protobuf.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message;
use reqwest::{Client, Url, redirect::Policy};

use crate::config::CollectorUrl;

/// Longest that a request may take; meanwhile spans wait.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest answer that is read, in bytes: it is a number and a sentence.
const MAX_ANSWER: usize = 16 * 1024;

/// Why the collector has not taken spans.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectorError {
    /// It can't be asked.
    #[error("it can't be reached")]
    Request(#[source] reqwest::Error),
    /// It answered otherwise.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// It took a part.
    #[error("it rejects some")]
    Rejected,
}

/// Where spans go.
pub(super) struct Collector {
    client: Client,
    url: Url,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// # Errors
    /// The client's, such as no certificates to check others with.
    pub(super) fn new(
        endpoint: &CollectorUrl,
        headers: Vec<(HeaderName, HeaderValue)>,
        resource: &Resource,
    ) -> Result<Self, reqwest::Error> {
        let mut all = HeaderMap::from_iter(headers);
        all.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        let url = endpoint.as_url().clone();
        let mut builder = Client::builder()
            .default_headers(all)
            .timeout(TIMEOUT)
            // A redirect may lead the headers away from TLS.
            .redirect(Policy::none())
            // What isn't in the configuration must not choose who gets them.
            .no_proxy();
        if url.scheme() == "http" {
            // Without TLS, nothing of the machine's certificates is needed.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            client: builder.build()?,
            url,
            resource: resource.into(),
        })
    }

    /// Sends spans, once: repeating would only make those wait that come after.
    /// Returns how many the collector rejected.
    ///
    /// # Errors
    /// [`CollectorError`]: it has taken none.
    pub(super) async fn send(&self, spans: Vec<SpanData>) -> Result<u64, CollectorError> {
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        let failed = |error: reqwest::Error| CollectorError::Request(error.without_url());
        let post = self.client.post(self.url.clone());
        let sent = post.body(request.encode_to_vec()).send().await;
        let mut answer = sent.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(CollectorError::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Ok(0);
            }
            body.extend_from_slice(&chunk);
        }
        // Some collectors answer in JSON, whatever they were asked in.
        let response = ExportTraceServiceResponse::decode(body.as_slice()).unwrap_or_default();
        let rejected = response.partial_success.unwrap_or_default().rejected_spans;
        Ok(u64::try_from(rejected).unwrap_or_default())
    }
}
