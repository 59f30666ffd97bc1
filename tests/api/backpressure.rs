//! One slow reader harms nobody but itself, and is told.

use std::{io::Read, sync::Arc, time::Duration};

use service::ws::{
    close::Close,
    outbox::{BacklogLimits, Closing, Outbox},
    wire::{Batch, OpCode, frame},
};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    service::{Service, soon, until},
    socket::Socket,
};

/// Lets a socket of the room stall, while the others go on hearing each other.
async fn stall(service: &Service, members: usize, message: &str, messages: usize) -> Socket {
    let mut speaker = service.socket_in("lobby").await;
    let stalled = service.socket_in("lobby").await;
    let mut listening = Vec::new();
    for _ in 0..members {
        let mut socket = service.socket_in("lobby").await;
        let message = message.to_owned();
        listening.push(tokio::spawn(async move {
            for _ in 0..messages {
                assert_eq!(socket.hear().await, message);
            }
        }));
    }
    for _ in 0..messages {
        speaker.say(message).await;
        assert_eq!(speaker.hear().await, message);
    }
    for listener in listening {
        soon(listener).await.unwrap();
    }
    stalled
}

#[tokio::test]
async fn a_stalled_reader_in_a_room_of_a_hundred_is_closed_and_the_rest_hear_everything() {
    let service = Service::with(&[
        ("APP__WS__MAX_MESSAGES_PER_SECOND", "100000"),
        // However busy the machine is, it comes to read the close frame in time.
        ("APP__WS__CLOSE_TIMEOUT", "60s"),
    ])
    .await;
    // 400 messages of 32 KiB: more than any kernel keeps for a reader.
    let mut stalled = stall(&service, 98, &"x".repeat(32 * 1024), 400).await;
    assert_eq!(u16::from(stalled.closed().await.code), 4408);
    let sockets = service.gateway.sockets().clone();
    until("the stalled reader is gone", || sockets.count() <= 1).await;
}

#[tokio::test]
async fn a_reader_that_never_reads_again_is_let_go() {
    let service = Service::with(&[
        ("APP__WS__MAX_MESSAGES_PER_SECOND", "100000"),
        ("APP__WS__CLOSE_TIMEOUT", "300ms"),
    ])
    .await;
    let stalled = stall(&service, 1, &"x".repeat(60 * 1024), 300).await;
    let sockets = service.gateway.sockets().clone();
    until("the stalled reader is gone", || sockets.count() == 0).await;
    drop(stalled);
}

#[tokio::test]
async fn what_a_stalled_reader_got_before_the_close_is_whole_frames_in_order() {
    let service = Service::with(&[
        ("APP__WS__MAX_MESSAGES_PER_SECOND", "100000"),
        // However busy the machine is, it comes to read the close frame in time.
        ("APP__WS__CLOSE_TIMEOUT", "60s"),
    ])
    .await;
    let mut speaker = service.socket_in("lobby").await;
    let mut stalled = service.socket_in("lobby").await;
    for number in 0..300 {
        let message = format!("{number:05}{}", "x".repeat(50_000));
        speaker.say(&message).await;
        assert_eq!(speaker.hear().await, message);
    }
    let mut number = 0;
    loop {
        match stalled.next().await {
            Message::Text(text) => {
                assert_eq!(text[..5].parse::<usize>().unwrap(), number);
                number += 1;
            }
            Message::Close(frame) => {
                assert_eq!(u16::from(frame.unwrap().code), 4408);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(number < 300);
}

#[tokio::test]
async fn a_reader_that_is_slow_for_a_moment_misses_nothing() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "100000")]).await;
    let mut speaker = service.socket_in("lobby").await;
    let mut slow = service.socket_in("lobby").await;
    for round in 0..5 {
        for number in 0..20 {
            speaker
                .say(&format!("{round}:{number}:{}", "x".repeat(20_000)))
                .await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        for number in 0..20 {
            let start = format!("{round}:{number}:");
            assert!(speaker.hear().await.starts_with(&start));
            assert!(slow.hear().await.starts_with(&start));
        }
    }
}

#[tokio::test]
async fn many_who_speak_at_once_are_all_heard() {
    // Far more in flight than the bus keeps for a listener: the room's own
    // publishers must wait for its hub, rather than make it miss something.
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "100000")]).await;
    let mut listener = service.socket_in("lobby").await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(service.socket_in("lobby").await);
    }
    let mut speaking = Vec::new();
    for mut socket in sockets {
        speaking.push(tokio::spawn(async move {
            for _ in 0..100 {
                futures_util::SinkExt::feed(&mut socket.stream, Message::text("x"))
                    .await
                    .unwrap();
            }
            futures_util::SinkExt::flush(&mut socket.stream)
                .await
                .unwrap();
            for _ in 0..2000 {
                assert_eq!(socket.hear().await, "x");
            }
        }));
    }
    for _ in 0..2000 {
        assert_eq!(listener.hear().await, "x");
    }
    for speaker in speaking {
        soon(speaker).await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_has_caught_up_is_not_closed_because_its_task_has_not_run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (_reader, writer) = stream.into_split();
    let out = Outbox::new(BacklogLimits {
        messages: 5,
        bytes: 1024 * 1024,
    });
    out.attach(writer);
    let bytes = frame(OpCode::Text, &[b'x'; 60 * 1024]);
    let batch = Batch {
        ends: Arc::new([bytes.len() as u32]),
        bytes,
    };
    let mut sent = 0;
    while out.status().oldest.is_none() {
        out.send(&batch);
        sent += 1;
    }
    // The peer reads all that the kernel has, and no task drains the rest.
    peer.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut buffer = vec![0; 1024 * 1024];
    let mut heard = 0;
    while let Ok(n) = peer.read(&mut buffer) {
        heard += n;
    }
    assert!(heard < sent * batch.bytes.len());
    for _ in 0..6 {
        out.send(&batch);
        sent += 1;
    }
    assert_eq!(out.status().closing, None);
    out.drain();
    while heard < sent * batch.bytes.len() {
        heard += peer.read(&mut buffer).unwrap();
        out.drain();
    }
    assert!(out.status().oldest.is_none());
}

#[test]
fn answers_to_pings_that_nobody_reads_count_as_messages() {
    let out = Outbox::new(BacklogLimits {
        messages: 5,
        bytes: 1024 * 1024,
    });
    for _ in 0..5 {
        out.send_control(frame(OpCode::Ping, b""));
    }
    assert_eq!(out.status().closing, None);
    out.send_control(frame(OpCode::Ping, b""));
    assert_eq!(out.status().closing, Some(Closing::Service(Close::TooSlow)));
}
