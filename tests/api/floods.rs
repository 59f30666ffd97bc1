//! One socket's flood is nobody else's loss.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::service::{Service, soon};

#[tokio::test]
async fn a_flood_of_fragments_does_not_keep_the_others_waiting() {
    let service = Service::start().await;
    let mut ann = service.socket_in("lobby").await;
    let mut bob = service.socket_in("lobby").await;
    let flooder = service.socket_in("attic").await;
    let tokio_tungstenite::MaybeTlsStream::Plain(stream) = flooder.stream.into_inner() else {
        panic!("not plain");
    };
    let mut stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let heard = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let heard = heard.clone();
        move || {
            // A message that begins, and goes on with nothing.
            stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).unwrap();
            let nothing = [0x00, 0x80, 0, 0, 0, 0].repeat(16 * 1024);
            for _ in 0..400 {
                if heard.load(Ordering::Acquire) {
                    return true;
                }
                stream.write_all(&nothing).unwrap();
            }
            false
        }
    });
    for number in 0..20 {
        ann.say(&number.to_string()).await;
        assert_eq!(bob.hear().await, number.to_string());
        assert_eq!(ann.hear().await, number.to_string());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    heard.store(true, Ordering::Release);
    let in_time = tokio::task::spawn_blocking(|| flood.join().unwrap());
    assert!(
        soon(in_time).await.unwrap(),
        "they waited for the flood to end"
    );
}
