//! Who sends a request, for the use cases.

use std::{convert::Infallible, net::IpAddr};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::{accounts::Caller, request_id::RequestId};

/// The address of the client, as [`observe`](super::layers::observe) found it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<Client>().map(|client| client.0);
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            request_id: request_id.map(ToString::to_string),
            ..Self::new(address, user_agent)
        })
    }
}
