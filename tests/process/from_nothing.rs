//! It serves with nothing said, and nothing installed.

use std::sync::Arc;

use test_servers::Place;

use crate::process::Process;

#[tokio::test]
async fn accounts_are_in_a_file_and_rooms_in_the_process() {
    let place = Arc::new(Place::new());
    let service = Process::bare(place.clone(), &[]);
    let welcome = service.whole_welcome().await;
    for line in [
        "store   sqlite (data/accounts.db)  <- default\n",
        "bus     memory (rooms of this process; history of 100)  <- default\n",
    ] {
        assert!(welcome.contains(line), "{welcome}");
    }
    service.credentials("/auth/register", "ann").await.unwrap();
    assert!(place.path().join("data/accounts.db").exists());
}
