//! The page that the service names is there.

use std::process::Command;

use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_is_printed_opens() {
    let service = Process::start(&[]);
    let welcome = service.whole_welcome().await;
    let page = welcome
        .lines()
        .find_map(|line| line.strip_prefix("open "))
        .and_then(|line| line.split_whitespace().next())
        .unwrap();
    assert_eq!(page, format!("http://{}/", service.address));
    let opened = Command::new("curl").args(["-sS", page]).output().unwrap();
    let html = String::from_utf8(opened.stdout).unwrap();
    assert!(html.starts_with("<!doctype html>"), "{html}");
}
