//! A disk that is full: what was confirmed is there, the rest is refused.

use std::sync::Arc;

use serde_json::json;
use test_servers::Place;

use crate::process::{BINARY, Process};

/// The database is at its largest size; an empty one has some 50 KiB.
const LARGEST_FILE_KIB: u32 = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_confirmed() {
    let variables = [
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__PASSWORDS__ITERATIONS", "1"),
        ("RUST_LOG", "off"),
    ];
    // No file may grow beyond this, which a program is told as it is told of a
    // full disk: by the write that fails.
    let place = Arc::new(Place::new());
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        &format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\"",
            // In blocks of 512 bytes, says POSIX.
            LARGEST_FILE_KIB * 2
        ),
        BINARY,
    ]);
    shell.current_dir(place.path()).env_clear();
    shell.envs(variables);
    let mut service = Process::run(shell, place.clone());
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, ann) = service.credentials("/auth/login", "ann").await.unwrap();
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

    service.signal(rustix::process::Signal::KILL);
    service.wait();
    let service = Process::bare(place, &variables);
    for name in &confirmed {
        let (status, _) = service.credentials("/auth/login", name).await.unwrap();
        assert_eq!(status, 200, "the account {name} was confirmed");
    }
    let refresh = json!({"refresh_token": ann["refresh_token"]});
    let (status, _) = service.post("/auth/refresh", refresh).await.unwrap();
    assert_eq!(status, 200);
    // The refused one may try again: there is room.
    let (status, _) = service.credentials("/auth/register", &last).await.unwrap();
    assert_eq!(status, 201);
}
