//! What a newcomer sees: `cargo run`, and lines that work when they are pasted.

use std::process::Command;

use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_lines_give_a_token_and_a_socket() {
    let service = Process::start(&[]);
    let welcome = service.welcome.clone();
    let complete = || welcome.lock().unwrap().contains("/openapi.json");
    for _ in 0..1000 {
        if complete() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let welcome = welcome.lock().unwrap().clone();
    for line in [
        "store   sqlite (data/accounts.db)  <- default",
        "bus     memory",
        "profile development",
    ] {
        assert!(welcome.contains(line), "{welcome}");
    }
    assert!(welcome.contains("<- GATEWAY_BIND_ADDR"), "{welcome}");

    if cfg!(feature = "page") {
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

    let talk = welcome
        .lines()
        .find(|line| line.contains("--example talk"))
        .unwrap();
    let script: String = welcome
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("curl"))
        .take_while(|line| !line.contains("--example talk"))
        .map(|line| format!("{line}\n"))
        .collect();
    let script = format!("set -e\n{script}\nprintf '%s' \"$TOKEN\" > token\n");
    let dir = service.dir.path().to_owned();
    let pasted = Command::new("sh")
        .current_dir(&dir)
        .arg("-c")
        .arg(script)
        .output()
        .unwrap();
    assert!(
        pasted.status.success(),
        "{}",
        String::from_utf8_lossy(&pasted.stderr)
    );
    let token = std::fs::read_to_string(dir.join("token")).unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(
        talk.ends_with(&format!("ws://{}/ws \"$TOKEN\"", service.address)),
        "{talk}"
    );

    // What the last line's example does, with the token that was printed.
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::{Message, client::ClientRequestBuilder};
    let request = || {
        ClientRequestBuilder::new(format!("ws://{}/ws", service.address).parse().unwrap())
            .with_sub_protocol("bearer")
            .with_sub_protocol(&token)
    };
    let (mut one, _) = tokio_tungstenite::connect_async(request()).await.unwrap();
    let (mut two, _) = tokio_tungstenite::connect_async(request()).await.unwrap();
    one.send(Message::text("hello")).await.unwrap();
    for socket in [&mut one, &mut two] {
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text("hello")
        );
    }
}
