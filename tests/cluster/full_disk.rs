//! A disk that is full: what was confirmed is there, the rest is refused.

use std::process::Command;

use crate::{
    node::{refresh, sign_in, sign_up, until},
    process::{BINARY, Process},
};

/// The database is at its largest size; an empty one has some 50 KiB.
const LARGEST_FILE_KIB: u32 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_confirmed() {
    let variables = [
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__PASSWORDS__ITERATIONS", "1"),
        ("RUST_LOG", "off"),
    ];
    // No file may grow beyond this, which a program is told as it is told of a
    // full disk: by the write that fails.
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        &format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\"",
            // In blocks of 512 bytes, says POSIX.
            LARGEST_FILE_KIB * 2
        ),
        BINARY,
    ]);
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let mut service = Process::run(shell, dir.clone(), &variables);
    let ann = sign_up(&service, "ann").await;
    let mut confirmed = Vec::new();
    for i in 0..20_000 {
        let name = format!("user{i}");
        let (status, answer) = service.credentials("/auth/register", &name).await.unwrap();
        match status {
            201 => confirmed.push(name),
            500 | 503 => {
                let kind = answer["type"].as_str().unwrap();
                assert!(kind.starts_with("urn:problem-type:"), "{answer}");
                break;
            }
            _ => panic!("{status} {answer}"),
        }
    }
    let last = format!("user{}", confirmed.len());
    assert!((20..20_000).contains(&confirmed.len()), "{last}");
    // It serves what needs no room.
    assert_eq!(service.get("/livez").await.unwrap(), 200);
    let me = crate::node::ask(&service, reqwest::Method::GET, "/auth/me", &ann.access).await;
    assert_eq!(me, 200);

    service.signal(rustix::process::Signal::KILL);
    service.wait();
    let service = Process::start_in(dir, &variables);
    for name in &confirmed {
        sign_in(&service, name).await;
    }
    assert_eq!(refresh(&service, &ann.refresh).await.0, 200);
    // The refused one may try again.
    until("there is room again", async || {
        let (status, _) = service.credentials("/auth/register", &last).await.unwrap();
        status == 201
    })
    .await;
}
