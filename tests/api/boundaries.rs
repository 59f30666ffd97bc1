//! Where one message ends and the next begins: a proxy in front must never see
//! it otherwise, or one client's bytes become another's request (smuggling).

use crate::{http_manners::raw, service::Service};

/// A body that is refused as no JSON, so that the answer tells what was taken
/// for it; then a request of which there is an answer only if it was seen.
const HEAD: &str = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
const NEXT: &str = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

async fn statuses(service: &Service, request: String) -> Vec<String> {
    let answers = raw(service, request.as_bytes()).await;
    let lines = answers
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    lines.map(|line| line[..3].to_owned()).collect()
}

#[tokio::test]
async fn chunks_say_where_a_body_ends_whatever_its_length_is_said_to_be() {
    let service = Service::start().await;
    // Were the length believed, it would end in the middle of what follows, or
    // swallow that.
    for length in [1, 12 + NEXT.len()] {
        let request = format!(
            "{HEAD}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\n{{}}\r\n0\r\n\r\n{NEXT}"
        );
        let statuses = statuses(&service, request).await;
        // Either it is refused, and nothing behind it is looked at, or it ends
        // with its last chunk.
        assert!(
            statuses == ["400"] || statuses == ["400", "200"],
            "{length}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn what_has_no_certain_end_is_refused_with_all_that_follows() {
    let service = Service::start().await;
    for (what, headers, body) in [
        (
            "two lengths",
            "Content-Length: 2\r\nContent-Length: 40\r\n",
            "{}",
        ),
        ("two lengths in one", "Content-Length: 2, 40\r\n", "{}"),
        ("a signed length", "Content-Length: +2\r\n", "{}"),
        ("a negative length", "Content-Length: -2\r\n", "{}"),
        ("a length in hexadecimal", "Content-Length: 0x2\r\n", "{}"),
        (
            "another coding last",
            "Transfer-Encoding: chunked, identity\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "an unknown coding",
            "Transfer-Encoding: xchunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a chunk of no size",
            "Transfer-Encoding: chunked\r\n",
            "x\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a space before the colon",
            "Transfer-Encoding : chunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a folded header",
            "Transfer-Encoding:\r\n chunked\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
        ),
    ] {
        let statuses = statuses(&service, format!("{HEAD}{headers}\r\n{body}{NEXT}")).await;
        assert_eq!(statuses, ["400"], "{what}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_no_request() {
    let service = Service::start().await;
    let body = format!("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n{NEXT}");
    for head in [
        format!("{HEAD}Content-Length: {}\r\n", body.len()),
        format!(
            "GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n",
            body.len()
        ),
        format!(
            "POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n",
            body.len()
        ),
    ] {
        let statuses = statuses(&service, format!("{head}Connection: close\r\n\r\n{body}")).await;
        assert_eq!(statuses.len(), 1, "{head}: {statuses:?}");
        assert!(statuses[0].starts_with('4'), "{head}: {statuses:?}");
    }
}
