//! The access token of a request: `Authorization: Bearer …` (RFC 6750).

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use contract::Timestamp;

use crate::{
    accounts::tokens::AccessToken,
    app::App,
    problem::{Problem, ProblemType},
};

/// Whoever sent a valid access token.
#[derive(Debug)]
pub struct Bearer(pub AccessToken);

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let token = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(|value| value.split_once(' ')),
            _ => None,
        };
        let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        else {
            return Err(Problem::new(ProblemType::InvalidToken)
                .detail("send one `Authorization: Bearer` header with an access token"));
        };
        match app.verifier.verify(token.trim(), Timestamp::now()).await {
            Ok(token) => {
                // So that what is refused from here on has a name in the log.
                tracing::Span::current().record("user", tracing::field::display(token.user));
                Ok(Self(token))
            }
            Err(reason) => {
                tracing::debug!(%reason, "access token refused");
                Err(Problem::new(ProblemType::InvalidToken))
            }
        }
    }
}
