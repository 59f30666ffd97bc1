//! Requests that may be sent twice and must be done once
//! (draft-ietf-httpapi-idempotency-key-header).

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{StoreError, UserId};

/// A request that its client may repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Who sends it: a key is of one user.
    pub user: UserId,
    /// The client's `Idempotency-Key`, 1 to [`IdempotentRequest::MAX_KEY_BYTES`]
    /// bytes.
    pub key: String,
    /// A hash of everything else in it.
    pub fingerprint: [u8; 32],
    /// The time of the request.
    pub now: Timestamp,
    /// After so long without an answer, whoever began it is taken for dead and
    /// a repetition begins it anew.
    pub abandoned_after: Duration,
}

impl IdempotentRequest {
    /// Longest key, in bytes.
    pub const MAX_KEY_BYTES: usize = 255;
}

/// What became of [`IdempotencyStore::begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// It is the caller's to do, and to finish or abandon.
    Begun,
    /// It is done; this was the answer.
    Finished(String),
    /// Somebody is at it.
    InProgress,
    /// The key was used for another request.
    Differs,
}

/// Keeps the answers of requests that may be repeated.
///
/// A confirmed write is durable: it survives `kill -9` and loss of power.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Begins a request. Of any number of concurrent calls with one user and
    /// key, exactly one is `Begun`.
    async fn begin(&self, request: &IdempotentRequest) -> Result<Begin, StoreError>;

    /// Keeps the answer of a request that was begun at that `now`, for its
    /// repetitions. Somebody who has begun it anew since loses nothing by it.
    async fn finish(&self, request: &IdempotentRequest, answer: &str) -> Result<(), StoreError>;

    /// Gives up a request that was begun at that `now` and had no effect.
    async fn abandon(&self, request: &IdempotentRequest) -> Result<(), StoreError>;

    /// Forgets requests that were begun at or before `before`; returns how many.
    async fn purge_requests(&self, before: Timestamp) -> Result<u64, StoreError>;
}
