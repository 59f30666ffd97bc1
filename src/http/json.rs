//! JSON bodies in: declared as JSON, bounded, strict. What a client sent is
//! never repeated to it: a body holds passwords and tokens.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::{
    app::App,
    problem::{Problem, ProblemType},
};

/// How much more than the limit is read and thrown away before the answer: a
/// client that is still sending would see a reset connection, not the 413.
const DISCARD: usize = 8 * 1024 * 1024;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let declared = is_json(request.headers());
        let body = read(request, app.body_limit).await?;
        if !declared {
            return Err(Problem::new(ProblemType::UnsupportedMediaType));
        }
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| refuse(&body, &error))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let mut body = request.into_body();
    let mut read = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Problem::new(ProblemType::InvalidRequest).detail("the body ended early"));
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        size += data.len();
        if size <= limit {
            read.extend_from_slice(data);
        } else if size > limit + DISCARD {
            break;
        }
    }
    if size > limit {
        let detail = format!("at most {limit} bytes are taken");
        return Err(Problem::new(ProblemType::BodyTooLarge).detail(detail));
    }
    Ok(read.freeze())
}

fn refuse(body: &[u8], error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        // A list where a word is expected counts as bad syntax to serde_json.
        Category::Syntax if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
            Problem::new(ProblemType::InvalidRequest).detail(place)
        }
        Category::Data => {
            // Most of serde's texts quote what was sent; these name our own fields.
            let text = error.to_string();
            let field = ["missing field", "duplicate field"]
                .iter()
                .any(|safe| text.starts_with(safe))
                .then(|| text.split(" at line").next().unwrap_or_default().to_owned());
            let detail = field.map_or(place.clone(), |field| format!("{field}, {place}"));
            Problem::new(ProblemType::InvalidRequest).detail(detail)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(ProblemType::MalformedJson).detail(place)
        }
    }
}
