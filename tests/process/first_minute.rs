//! What a newcomer sees: `cargo run`, and lines that work when they are pasted.

use std::process::Command;

use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_lines_give_a_token_and_a_socket() {
    let service = Process::start(&[]);
    let welcome = service.whole_welcome().await;
    for line in ["store   ", "bus     ", "profile development"] {
        assert!(welcome.contains(line), "{welcome}");
    }
    assert!(welcome.contains("<- GATEWAY_BIND_ADDR"), "{welcome}");

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
    let dir = service.place.path().to_owned();
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
