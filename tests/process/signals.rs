//! SIGTERM and SIGINT drain; the exit code says that it was in order.

use rustix::process::Signal;

use crate::process::Process;

#[test]
fn both_signals_end_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut service = Process::start(&[("APP__SHUTDOWN__CLOSE_JITTER", "0s")]);
        service.signal(signal);
        let (code, log) = service.wait();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("draining") && log.contains("stopped"), "{log}");
    }
}
