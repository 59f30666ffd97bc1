//! The page at `/`: what is served of it, and who may open a socket because of
//! it.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::{Method, StatusCode};
use service::http::page::CONTENT_SECURITY_POLICY;

use crate::{
    http_manners::raw,
    mint,
    node::Node,
    service::{Answer, Service},
    socket::{Socket, request},
};

async fn get(service: &Service, path: &str) -> Answer {
    Answer::of(service.request(Method::GET, path)).await
}

/// A file of the repository.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between two quotes behind `before`, wherever it does.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn the_page_stands_at_the_root() {
    let service = Service::start().await;
    let page = get(&service, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'",
        ),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert_eq!(page.body, file("page/index.html"));
}

#[tokio::test]
async fn nothing_but_files_of_this_service_is_run_or_loaded() {
    let html = file("page/index.html").to_lowercase();
    for inline in [
        "<style",
        " style=",
        "javascript:",
        "<base",
        "<iframe",
        "http:",
        "https:",
    ] {
        assert!(!html.contains(inline), "{inline}");
    }
    // A script has a source and no text; an event has its listener elsewhere.
    let scripts = html.matches("<script").count();
    assert_eq!(scripts, html.matches("></script>").count());
    assert_eq!(
        scripts,
        quoted(&html, "<script type=\"module\" src=\"").len()
    );
    let attributes = html
        .split_whitespace()
        .filter(|word| word.starts_with("on"));
    for attribute in attributes {
        assert!(!attribute.contains('='), "{attribute}");
    }
}

#[test]
fn a_password_is_hidden_and_managers_and_pasting_may_fill_it_in() {
    let html = file("page/index.html");
    let fields: Vec<&str> = html
        .split("<input")
        .map(|field| field.split('>').next().unwrap())
        .filter(|field| field.contains("\"password\""))
        .collect();
    assert_eq!(fields.len(), 1, "{fields:?}");
    for wanted in [
        " name=\"password\"",
        " type=\"password\"",
        " autocomplete=\"current-password\"",
    ] {
        assert!(fields[0].contains(wanted), "{wanted}: {fields:?}");
    }
    // Its length is for the service to judge, which says so.
    assert!(!fields[0].contains("maxlength"), "{fields:?}");
    for script in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("page/view")).unwrap() {
        let script = fs::read_to_string(script.unwrap().path()).unwrap();
        assert!(!script.contains("\"paste\""));
    }
}

/// From the HTML on, along every `src`, `href` and `import`.
#[tokio::test]
async fn everything_that_the_page_needs_is_served() {
    let service = Service::start().await;
    let mut seen = BTreeSet::new();
    let mut to_see = vec!["/".to_owned()];
    while let Some(path) = to_see.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = get(&service, &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        if path.ends_with(".json") {
            continue;
        }
        let content_type = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(
            answer.header("content-security-policy"),
            CONTENT_SECURITY_POLICY
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let text = answer.body.as_str().unwrap();
        let folder = path.rsplit_once('/').unwrap().0;
        let found = match path.rsplit_once('.') {
            Some((_, "js")) => quoted(text, " from \""),
            Some(_) => Vec::new(),
            None => [quoted(text, "href=\""), quoted(text, "src=\"")].concat(),
        };
        for name in found {
            to_see.push(match name.strip_prefix("./") {
                Some(name) => format!("{folder}/{name}"),
                None => name.replace("../", "/page/"),
            });
        }
    }
    // Nothing else is there: a file that nobody needs is not served.
    let mut files: BTreeSet<String> = ["/page/rooms.js".to_owned()].into();
    for (folder, at) in [("page", "/page"), ("page/view", "/page/view")] {
        let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if [".js", ".css", ".svg"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                files.insert(format!("{at}/{name}"));
            }
        }
    }
    seen.retain(|path| path.starts_with("/page/"));
    assert_eq!(seen, files);
    assert!(seen.len() > 15, "{seen:?}");
}

#[tokio::test]
async fn the_client_is_the_one_that_everybody_gets() {
    let service = Service::start().await;
    assert_eq!(
        get(&service, "/page/rooms.js").await.body,
        file("client/rooms.js")
    );
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let service = Service::start().await;
    for path in ["/", "/page/page.js"] {
        let first = get(&service, path).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20);
        let known = |tags: String| {
            Answer::of(
                service
                    .request(Method::GET, path)
                    .header("if-none-match", tags),
            )
        };
        for tags in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"other\", {etag}"),
            "*".to_owned(),
        ] {
            let again = known(tags.clone()).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{tags}");
            assert_eq!(again.body, "");
            assert_eq!(again.header("etag"), etag);
            assert_eq!(again.header("cache-control"), "no-cache");
        }
        for tags in ["\"other\"".to_owned(), etag.replace('"', "")] {
            let again = known(tags.clone()).await;
            assert_eq!(again.status, StatusCode::OK, "{tags}");
            assert_eq!(again.body, first.body);
        }
    }
    let tag = async |path: &str| get(&service, path).await.header("etag").to_owned();
    assert_ne!(tag("/").await, tag("/page/page.js").await);
}

#[tokio::test]
async fn head_gets_the_headers_alone() {
    let service = Service::start().await;
    let whole = get(&service, "/").await;
    let head = Answer::of(service.request(Method::HEAD, "/")).await;
    assert_eq!((head.status, &head.body), (StatusCode::OK, &"".into()));
    for name in [
        "content-type",
        "content-length",
        "etag",
        "content-security-policy",
    ] {
        assert_ne!(head.header(name), "", "{name}");
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let wrong = Answer::of(service.request(Method::POST, "/")).await;
    wrong.is_problem(405, "method-not-allowed");
    for path in ["/page", "/page/", "/page/index.html", "/page/nothing.js"] {
        get(&service, path).await.is_problem(404, "not-found");
    }
    // As they stand: a client of HTTP would take the dots away.
    for path in [
        "/page/../Cargo.toml",
        "/page/%2e%2e/Cargo.toml",
        "//page/page.js",
    ] {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(&service, asked.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn switched_off_it_is_not_there() {
    let service = Service::with(&[("APP__HTTP__PAGE", "false")]).await;
    for path in ["/", "/page/page.js", "/page/page.css", "/page/rooms.js"] {
        get(&service, path).await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_node_with_one_role_has_no_page() {
    for variables in [
        &[("APP__ROLES", "auth")][..],
        &[("APP__ROLES", "gateway"), ("JWT_SECRET", mint::SECRET)],
    ] {
        let node = Node::start(&[variables, &[("APP__HTTP__PAGE", "true")]].concat()).await;
        node.request(Method::GET, "/")
            .await
            .is_problem(404, "not-found");
        assert!(!is_let_in(node.address, &format!("http://{}", node.address)).await);
    }
}

/// Whether a page of this origin may open a socket.
async fn is_let_in(address: std::net::SocketAddr, origin: &str) -> bool {
    let asked = request(address)
        .with_header("Origin", origin)
        .with_sub_protocol("bearer")
        .with_sub_protocol(mint::token(&mint::claims("lobby")));
    match Socket::ask(asked).await {
        Ok(_) => true,
        Err(refused) if refused.status == StatusCode::NOT_FOUND => false,
        Err(refused) => {
            refused.is_problem(403, "origin-not-allowed");
            false
        }
    }
}

#[tokio::test]
async fn the_page_itself_may_open_a_socket_and_what_looks_like_it_may_not() {
    let service = Service::start().await;
    let (address, port) = (service.address, service.address.port());
    for origin in [
        format!("http://{address}"),
        // By way of a proxy that speaks TLS, and passes the `Host` on.
        format!("https://{address}"),
        // The list still counts.
        "http://localhost:3000".to_owned(),
    ] {
        assert!(is_let_in(address, &origin).await, "{origin}");
    }
    for origin in [
        "null".to_owned(),
        address.to_string(),
        format!("//{address}"),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://127.0.0.1:{port}0"),
        format!("http://127.0.0.1:0{port}"),
        format!("http://localhost:{port}"),
        format!("http://x127.0.0.1:{port}"),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("http://{address}.evil.example"),
        format!("http://evil.example/http://{address}"),
        format!("http://evil.example#{address}"),
        format!("http://{address}@evil.example"),
        format!("http://user@{address}"),
        format!("http://user:password@{address}"),
        format!("http://evil.example:80@{address}"),
        format!("http://{address}/"),
        format!("http://{address}, http://evil.example"),
        format!("ws://{address}"),
        format!("ftp://{address}"),
        format!("HTTP://{address}"),
    ] {
        assert!(!is_let_in(address, &origin).await, "{origin}");
    }
}

#[tokio::test]
async fn without_the_page_only_the_list_counts() {
    let service = Service::with(&[("APP__HTTP__PAGE", "false")]).await;
    let address = service.address;
    assert!(!is_let_in(address, &format!("http://{address}")).await);
    assert!(!is_let_in(address, &format!("https://{address}")).await);
    assert!(is_let_in(address, "http://localhost:3000").await);
}
