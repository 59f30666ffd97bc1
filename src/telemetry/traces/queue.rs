//! Spans that have ended, until they are exported. The queue is bounded and
//! nobody waits for it: what doesn't fit is lost.

use std::{
    mem,
    pin::pin,
    time::{Duration, Instant},
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::{
    sync::mpsc,
    time::{self, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    collector::{Collector, CollectorError},
    instruments::TraceInstruments,
};

/// Spans that may wait.
const MAX_WAITING: usize = 2048;

/// Most spans of one request.
const MAX_BATCH: usize = 512;

/// How long a span waits for others.
const GATHERING: Duration = Duration::from_secs(1);

/// How often it is logged that spans are lost.
const LOSSES_LOGGED: Duration = Duration::from_secs(60);

/// The two ends of a queue.
pub(super) fn queue(instruments: &TraceInstruments) -> (Queue, mpsc::Receiver<SpanData>) {
    let (ended, waiting) = mpsc::channel(MAX_WAITING);
    let queue = Queue {
        ended,
        instruments: instruments.clone(),
    };
    (queue, waiting)
}

/// Where spans end.
#[derive(Debug)]
pub(super) struct Queue {
    ended: mpsc::Sender<SpanData>,
    instruments: TraceInstruments,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.ended.try_send(span).is_err() {
            self.instruments.lost.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Takes spans out of the queue, and to the collector.
pub(super) struct Exporter {
    collector: Collector,
    waiting: mpsc::Receiver<SpanData>,
    stop: CancellationToken,
    instruments: TraceInstruments,
    losses: Losses,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        waiting: mpsc::Receiver<SpanData>,
        stop: CancellationToken,
        instruments: TraceInstruments,
    ) -> Self {
        Self {
            collector,
            waiting,
            stop,
            instruments,
            losses: Losses::default(),
        }
    }

    /// Exports until `stop`, and then what is left.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.gather(&mut batch).await {
            let count = batch.len() as u64;
            let error = match self.collector.send(mem::take(&mut batch)).await {
                Ok(rejected) => {
                    let rejected = rejected.min(count);
                    self.instruments.exported.inc_by(count - rejected);
                    self.instruments.lost.inc_by(rejected);
                    (rejected > 0).then_some(CollectorError::Rejected)
                }
                Err(error) => {
                    self.instruments.lost.inc_by(count);
                    Some(error)
                }
            };
            self.losses.log(self.instruments.lost.get(), error.as_ref());
        }
    }

    /// Waits for spans; `false` if there will be no more.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> bool {
        let mut full = pin!(sleep(GATHERING));
        while batch.len() < MAX_BATCH {
            let first = batch.is_empty();
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !self.waiting.is_closed() => self.waiting.close(),
                more = self.waiting.recv_many(batch, MAX_BATCH - batch.len()) => {
                    if more == 0 {
                        break;
                    }
                    if first {
                        full.as_mut().reset(time::Instant::now() + GATHERING);
                    }
                }
                () = &mut full, if !first => break,
            }
        }
        !batch.is_empty()
    }
}

/// How often it was said that spans are lost: a collector may be down for days.
#[derive(Default)]
struct Losses {
    said: u64,
    last: Option<Instant>,
}

impl Losses {
    fn log(&mut self, lost: u64, error: Option<&CollectorError>) {
        let due = self.last.is_none_or(|last| last.elapsed() >= LOSSES_LOGGED);
        if lost == self.said || !due {
            return;
        }
        tracing::warn!(
            spans = lost - self.said,
            error = error.map(|error| error as &(dyn std::error::Error + 'static)),
            "traces are incomplete: spans are lost"
        );
        self.said = lost;
        self.last = Some(Instant::now());
    }
}
