//! What the service tells its operator. Whatever counts something may use this;
//! it knows nothing of what is counted.
//!
//! | file | what it holds |
//! |---|---|
//! | [`logs`] | structured logs, on standard error |
//! | [`metrics`] | what is counted and measured, as Prometheus reads it |
//! | [`traces`] | which request took how long where, as OpenTelemetry has it |

pub mod logs;
pub mod metrics;
pub mod traces;
