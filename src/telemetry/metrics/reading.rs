//! What is looked at when somebody asks, because something else counts it
//! already.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, gauge::ConstGauge},
};

const NO_LABELS: [(&str, &str); 0] = [];

/// Numbers, each with the value of its label.
pub type Labelled = Vec<(&'static str, f64)>;

/// Numbers that are looked at when somebody asks.
pub struct Looked<F> {
    kind: MetricType,
    label: Option<&'static str>,
    look: F,
}

/// A number that goes up and down. `None` is that there is none.
pub fn gauge(
    look: impl Fn() -> Option<f64> + Send + Sync + 'static,
) -> Looked<impl Fn() -> Labelled> {
    single(MetricType::Gauge, look)
}

/// A number that only grows.
pub fn counter(look: impl Fn() -> f64 + Send + Sync + 'static) -> Looked<impl Fn() -> Labelled> {
    single(MetricType::Counter, move || Some(look()))
}

fn single(
    kind: MetricType,
    look: impl Fn() -> Option<f64> + Send + Sync + 'static,
) -> Looked<impl Fn() -> Labelled> {
    Looked {
        kind,
        label: None,
        look: move || look().map(|number| ("", number)).into_iter().collect(),
    }
}

/// Numbers of that kind, one for each value of a label.
pub fn by_label<F: Fn() -> Labelled>(kind: MetricType, label: &'static str, look: F) -> Looked<F> {
    Looked {
        kind,
        label: Some(label),
        look,
    }
}

impl<F> fmt::Debug for Looked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looked")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl<F: Fn() -> Labelled> EncodeMetric for Looked<F> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, number) in (self.look)() {
            match self.label {
                Some(label) => {
                    let labels = [(label, value)];
                    write(self.kind, encoder.encode_family(&labels)?, number)?;
                }
                None => write(self.kind, encoder.encode_family(&NO_LABELS)?, number)?,
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}

fn write(kind: MetricType, mut encoder: MetricEncoder<'_>, number: f64) -> fmt::Result {
    match kind {
        MetricType::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&number, None),
        _ => ConstGauge::new(number).encode(encoder),
    }
}
