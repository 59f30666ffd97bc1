//! Counters, one for each value of a label that has few.

use std::{fmt, marker::PhantomData, sync::Arc};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::Counter},
};

/// A label whose values are known beforehand.
pub trait Label: Copy + Send + Sync + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every value, in the order of [`Self::index`].
    const ALL: &'static [Self];

    /// The value as it is written.
    fn value(self) -> &'static str;

    /// Its place in [`Self::ALL`].
    fn index(self) -> usize;
}

/// An enum that is a label: its variants, and how each is written.
macro_rules! label {
    ($(#[$doc:meta])* $visibility:vis $name:ident, $label:literal { $( $(#[$value_doc:meta])* $value:ident = $text:literal, )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name { $( $(#[$value_doc])* $value, )+ }

        impl $crate::telemetry::metrics::Label for $name {
            const NAME: &'static str = $label;
            const ALL: &'static [Self] = &[$( Self::$value, )+];

            fn value(self) -> &'static str {
                match self { $( Self::$value => $text, )+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use label;

/// A counter for each value of a label. A clone counts in the same ones.
pub struct Counted<L> {
    counters: Arc<[Counter]>,
    label: PhantomData<L>,
}

impl<L: Label> Counted<L> {
    /// One more of them.
    pub fn count(&self, value: L) {
        self.add(value, 1);
    }

    /// So many more of them.
    pub fn add(&self, value: L, more: u64) {
        if let Some(counter) = self.counters.get(value.index()) {
            counter.inc_by(more);
        }
    }
}

impl<L: Label> Default for Counted<L> {
    fn default() -> Self {
        Self {
            counters: L::ALL.iter().map(|_| Counter::default()).collect(),
            label: PhantomData,
        }
    }
}

impl<L> Clone for Counted<L> {
    fn clone(&self) -> Self {
        Self {
            counters: Arc::clone(&self.counters),
            label: PhantomData,
        }
    }
}

impl<L> fmt::Debug for Counted<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.counters).finish()
    }
}

impl<L: Label> EncodeMetric for Counted<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, counter) in L::ALL.iter().zip(&*self.counters) {
            let labels = [(L::NAME, value.value())];
            counter.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}
