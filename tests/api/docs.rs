//! `/docs`: the API reference is served whole, by this service alone, and only
//! where it is wanted.

use reqwest::{Method, StatusCode, header::HeaderMap};

use crate::{
    node::Node,
    service::{Answer, Service, soon},
};

const OFF: &[(&str, &str)] = &[("APP__HTTP__DOCS", "false")];

/// What the page names as `attribute="…"`.
fn references(html: &str, attribute: &str) -> Vec<String> {
    html.split(&format!(" {attribute}=\""))
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0.to_owned())
        .collect()
}

async fn page(service: &Service) -> (String, HeaderMap) {
    let answer = soon(service.request(Method::GET, "/docs").send())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    (soon(answer.text()).await.unwrap(), headers)
}

/// Every file that the page needs, as an absolute path.
async fn files(service: &Service) -> Vec<String> {
    let (html, _) = page(service).await;
    let mut files = references(&html, "src");
    files.extend(
        references(&html, "href")
            .into_iter()
            .filter(|href| href != "data:,"),
    );
    files.iter().map(|file| format!("/{file}")).collect()
}

#[tokio::test]
async fn the_page_and_all_that_it_names_are_served() {
    let service = Service::start().await;
    let (_, headers) = page(&service).await;
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let files = files(&service).await;
    for file in [
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/docs/docs.js",
        "/openapi.json",
    ] {
        assert!(files.iter().any(|one| one == file), "{file}: {files:?}");
    }
    for file in files {
        let answer = Answer::of(service.request(Method::GET, &file)).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        let kind = match file.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "application/json",
        };
        assert_eq!(answer.header("content-type"), kind, "{file}");
    }
}

#[tokio::test]
async fn the_licences_come_along() {
    let service = Service::start().await;
    for file in ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"] {
        let path = format!("/docs/{file}");
        let answer = Answer::of(service.request(Method::GET, &path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn no_other_host_is_named_or_allowed() {
    let service = Service::start().await;
    for path in ["/docs", "/docs/docs.js", "/docs/docs.css"] {
        let answer = soon(service.request(Method::GET, path).send())
            .await
            .unwrap();
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        for loose in ["unsafe", "http", "*", "blob:"] {
            assert!(!policy.contains(loose), "{policy}");
        }
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert_eq!(
            answer.headers()["cross-origin-opener-policy"],
            "same-origin"
        );
        let text = soon(answer.text()).await.unwrap();
        assert!(!text.contains("://"), "{path}");
        assert!(!text.contains("=\"//"), "{path}");
        for inline in ["<style", " style=", " onload=", "<script>"] {
            assert!(!text.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn a_browser_asks_again_and_loads_only_what_changed() {
    let service = Service::start().await;
    for path in ["/docs", "/docs/swagger-ui-bundle.js"] {
        let get = |tag: &str| {
            let request = service.request(Method::GET, path);
            Answer::of(request.header("if-none-match", tag))
        };
        let first = get("\"another\"").await;
        assert_eq!(first.status, StatusCode::OK);
        assert_eq!(first.header("cache-control"), "no-cache");
        let tag = first.header("etag");
        for known in [tag, &format!("\"x\", W/{tag}"), "*"] {
            let again = get(known).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.header("etag"), tag);
            assert_eq!(again.body, "");
        }
    }
}

#[tokio::test]
async fn what_is_large_comes_compressed() {
    let service = Service::start().await;
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        let answer = soon(service.request(Method::GET, path).send())
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        let bytes = soon(answer.bytes()).await.unwrap();
        assert!(bytes.starts_with(&[0x1f, 0x8b, 8]), "{path}");
        // RFC 1952: the size of what was compressed is at the end.
        let size = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
        assert!(bytes.len() * 3 < usize::try_from(size).unwrap(), "{path}");
    }
}

#[tokio::test]
async fn switched_off_there_is_nothing() {
    let on = Service::start().await;
    let off = Service::with(OFF).await;
    let files = files(&on).await;
    for path in files.iter().filter(|path| path.starts_with("/docs/")) {
        Answer::of(off.request(Method::GET, path))
            .await
            .is_problem(404, "not-found");
    }
    Answer::of(off.request(Method::GET, "/docs"))
        .await
        .is_problem(404, "not-found");
    for path in ["/docs/", "/docs/x"] {
        Answer::of(on.request(Method::GET, path))
            .await
            .is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn every_node_shows_its_own_document() {
    let auth = Node::auth().await;
    let answer = auth.request(Method::GET, "/docs").await;
    assert_eq!(answer.status, StatusCode::OK);
}
