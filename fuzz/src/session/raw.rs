//! A socket in raw mode.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use contract::Kind;
use service::ws::{
    close::Close,
    session::{
        Frame,
        raw::{Action, Session},
    },
};

use super::{Clock, Wait, limits, outcomes::Token, signs::Signs};

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Control,
    Wait(Wait),
    OnTime,
}

/// From the handshake to the end.
///
/// # Errors
/// The input's end.
///
/// # Panics
/// If the session does what it may not.
pub fn live(input: &mut Unstructured<'_>) -> Result<()> {
    let limits = limits(input)?;
    let speaks = input.arbitrary()?;
    let mut clock = Clock::start();
    let token = Token {
        stranger: None,
        room: 0,
        speaks,
        presence: false,
        seconds: 0,
    };
    let end = Wait::arbitrary(input)?.after(clock.now, clock.now);
    let mut session = Session::new(&token.read(clock), limits, end, clock.now);
    let mut signs = Signs::new(limits, clock.now);
    while !input.is_empty() {
        let now = clock.now;
        let close = match input.arbitrary()? {
            Step::Wait(wait) => {
                clock.now = wait.after(now, session.deadline());
                continue;
            }
            Step::OnTime => match session.on_time(now) {
                Action::Close(Close::TooSlow) => {
                    signs.unanswered(now);
                    return Ok(());
                }
                Action::Close(close) => Some(close),
                Action::Ping => {
                    signs.pinged(now);
                    None
                }
                Action::Nothing => {
                    assert!(session.deadline() > now);
                    None
                }
                Action::Publish { .. } => panic!("nobody said anything"),
            },
            said => {
                signs.on_frame(now);
                let (frame, message) = match said {
                    Step::Text(text) => message(Kind::Text, text.as_bytes()),
                    Step::Binary(bytes) => message(Kind::Binary, bytes),
                    _ => (Frame::Control, None),
                };
                match session.on_frame(frame, now) {
                    Action::Close(Close::TooFast) => {
                        signs.too_many();
                        return Ok(());
                    }
                    Action::Close(Close::NotPermitted) => {
                        assert!(message.is_some() && !speaks);
                        return Ok(());
                    }
                    Action::Close(close) => Some(close),
                    Action::Publish { kind, data } => {
                        assert_eq!(message, Some((kind, data)));
                        assert!(speaks);
                        signs.taken();
                        None
                    }
                    Action::Nothing => {
                        assert_eq!(message, None);
                        signs.taken();
                        None
                    }
                    Action::Ping => panic!("the peer is there"),
                }
            }
        };
        match close {
            Some(close) => {
                assert_eq!(close, Close::TokenExpired);
                assert!(now >= end);
                // Whatever comes after that.
                let again = session.on_frame(Frame::Control, now);
                assert_eq!(again, Action::Close(Close::TokenExpired));
                return Ok(());
            }
            None => assert!(now < end),
        }
    }
    Ok(())
}

fn message(kind: Kind, data: &[u8]) -> (Frame, Option<(Kind, Bytes)>) {
    let data = Bytes::copy_from_slice(data);
    let frame = Frame::Message {
        kind,
        data: data.clone(),
    };
    (frame, Some((kind, data)))
}
