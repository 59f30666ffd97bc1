//! A socket that speaks `rooms.v1`: does what its session decides.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`RoomsV1`]: what a frame, time, or news of a seat has it do |
//! | `joining` | taking a seat in one more room |

mod joining;

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    ops::ControlFlow::{self, Continue},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use bytes::{Bytes, BytesMut};
use contract::{ConnectionId, Message, RoomName, UserId};
use tokio::time::{Instant, Sleep};

use super::{
    catching_up::{CatchingUp, Step},
    keeper::{Keeper, Timed, ping},
};
use crate::{
    clock,
    presence::Attendance,
    ws::{
        Gateway,
        close::Close,
        entrance::end_of,
        hub::{Occupant, Seat},
        outbox::Outbox,
        rooms_v1::{
            event::{self, Event},
            session::{Action, Publish, Session, Verify},
        },
        session::Frame,
    },
};

/// A socket with seats in many rooms.
pub(in crate::ws) struct RoomsV1 {
    gateway: Arc<Gateway>,
    user: UserId,
    connection: ConnectionId,
    session: Session,
    seats: HashMap<RoomName, Seated>,
    behind: VecDeque<CatchingUp>,
    /// Acks of what was published in this turn: sent one by one, they would
    /// cost as many writes, and have the hub take as many small batches.
    acks: BytesMut,
}

/// A seat, and being counted among those who are there.
struct Seated {
    seat: Arc<Seat>,
    _attendance: Option<Attendance>,
}

impl RoomsV1 {
    pub(in crate::ws) fn new(
        gateway: Arc<Gateway>,
        who: Occupant,
        session: Session,
        seat: Arc<Seat>,
        attendance: Option<Attendance>,
    ) -> Self {
        Self {
            gateway,
            user: who.user,
            connection: who.connection,
            session,
            seats: HashMap::from([(
                seat.name().clone(),
                Seated {
                    seat,
                    _attendance: attendance,
                },
            )]),
            behind: VecDeque::new(),
            acks: BytesMut::new(),
        }
    }

    /// Has a seat be told what it missed, before anything that is said now.
    pub(in crate::ws) fn recover(&mut self, mut recovered: CatchingUp) {
        if self.is_telling() {
            recovered.put_off();
        }
        self.behind.push_back(recovered);
    }

    pub(super) async fn on_frame(
        &mut self,
        frame: Frame,
        keeper: &Keeper,
        mut timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        // More may have come at once than is dealt with before the next turn.
        self.look_if_asked(&keeper.outbox);
        let mut action = self.session.on_frame(frame, Instant::now());
        loop {
            let next = match action {
                Action::Publish(publish) => {
                    match self.publish(publish, keeper, timer.as_mut()).await? {
                        Some(Action::Reply(ack)) => {
                            self.acks.extend_from_slice(&ack);
                            return Continue(());
                        }
                        next => next,
                    }
                }
                Action::Verify(verify) => self.verify(verify, keeper, timer.as_mut()).await?,
                Action::Take(take) => self.take(take, keeper, timer.as_mut()).await?,
                done => {
                    self.perform(done, &keeper.outbox);
                    return Continue(());
                }
            };
            match next {
                Some(next) => action = next,
                // The socket is being closed.
                None => return Continue(()),
            }
        }
    }

    /// Sends the acks that wait: at the end of a turn, and before anything else
    /// is said or waited for.
    pub(super) fn flush(&mut self, outbox: &Outbox) {
        if !self.acks.is_empty() {
            // Copied to its length: it may wait long for a slow reader, and
            // most sockets publish rarely.
            outbox.reply(Bytes::copy_from_slice(&self.acks));
            self.acks = BytesMut::new();
        }
    }

    /// What needs no waiting.
    fn perform(&mut self, action: Action, outbox: &Outbox) {
        self.flush(outbox);
        match action {
            Action::Reply(frame) => outbox.reply(frame),
            Action::ReplyAndClose(frame, close) => {
                outbox.reply(frame);
                outbox.close(close);
            }
            Action::Close(close) => outbox.close(close),
            Action::Ping => ping(outbox),
            Action::Leave(room, frame) => {
                self.seats.remove(&room);
                self.behind.retain(|behind| *behind.room() != room);
                outbox.reply(frame);
            }
            Action::Presence(room, id) => {
                let users = self.gateway.presence.known(&room, self.user);
                let presence = event::Presence {
                    id: id.map(Into::into),
                    room: room.as_str().into(),
                    users: Some(&users),
                    ..event::Presence::default()
                };
                outbox.reply(Event::Presence(presence).frame());
            }
            Action::Nothing | Action::Publish(_) | Action::Verify(_) | Action::Take(_) => {}
        }
    }

    async fn publish(
        &mut self,
        publish: Publish,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<(), Option<Action>> {
        let Publish {
            id,
            room,
            kind,
            data,
            key,
        } = publish;
        let message = Message {
            from: Some(self.user),
            connection: Some(self.connection),
            at: clock::now(),
            kind,
            data,
            key,
        };
        let Some(seat) = self.seats.get(&room).map(|seated| seated.seat.clone()) else {
            return Continue(Some(self.session.published(id, &room, None)));
        };
        let mut publishing = pin!(seat.publish(message));
        let at_once = poll_fn(|cx| Poll::Ready(publishing.as_mut().poll(cx))).await;
        let published = match at_once {
            Poll::Ready(published) => published,
            Poll::Pending => {
                self.flush(&keeper.outbox);
                match keeper.meanwhile(self, timer, publishing).await? {
                    Some(published) => published,
                    None => return Continue(None),
                }
            }
        };
        let place = published.inspect_err(|error| {
            tracing::warn!(
                connection = %self.connection,
                user = %self.user,
                error = error as &dyn std::error::Error,
                "a message could not be published"
            );
        });
        let place = place.ok().map(|published| published.position);
        Continue(Some(self.session.published(id, &room, place)))
    }

    async fn verify(
        &mut self,
        verify: Verify,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<(), Option<Action>> {
        self.flush(&keeper.outbox);
        let gateway = self.gateway.clone();
        let verifying = gateway.admit(&verify.token);
        let Some(verified) = keeper.meanwhile(self, timer, verifying).await? else {
            return Continue(None);
        };
        let now = Instant::now();
        let verified = match verified {
            Ok(token) => {
                let end = end_of(&token, now);
                Some((token, end))
            }
            Err(reason) => {
                tracing::info!(
                    connection = %self.connection,
                    user = %self.user,
                    %reason,
                    "token refused on a socket"
                );
                None
            }
        };
        Continue(Some(self.session.verified(verify, verified, now)))
    }

    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Whether something that was read waits to be told. A client that doesn't
    /// read has as much of it in memory as is kept of one room, not of all.
    fn is_telling(&self) -> bool {
        self.behind.iter().any(CatchingUp::has_pending)
    }

    /// Takes a step with every seat that has something to be told. Returns
    /// whether there is more to do now.
    pub(super) async fn catch_up(
        &mut self,
        keeper: &Keeper,
        mut timer: Pin<&mut Sleep>,
    ) -> ControlFlow<(), bool> {
        let mut more = false;
        for _ in 0..self.behind.len() {
            let Some(mut behind) = self.behind.pop_front() else {
                break;
            };
            let step = behind.step(&keeper.outbox);
            match step {
                Step::Done => {
                    // It may have fallen behind again since.
                    if let Some(behind) = behind.again() {
                        self.behind.push_back(behind);
                        more = true;
                    }
                    continue;
                }
                Step::Blocked => {}
                Step::Fetch(_) if self.is_telling() => {}
                Step::Fetch(missed) => {
                    let reading = behind.fetch(missed);
                    let Some(fetched) = keeper.meanwhile(self, timer.as_mut(), reading).await?
                    else {
                        return Continue(false);
                    };
                    // Its token may have ended meanwhile.
                    if !self.seats.contains_key(behind.room()) {
                        continue;
                    }
                    behind.on_fetched(missed, fetched);
                    more = true;
                }
                Step::More => more = true,
            }
            self.behind.push_back(behind);
        }
        Continue(more)
    }

    /// What has become of the seats, if something has.
    pub(super) fn look_if_asked(&mut self, outbox: &Outbox) {
        if !outbox.take_attention() {
            return;
        }
        let seats: Vec<Arc<Seat>> = self
            .seats
            .values()
            .map(|seated| seated.seat.clone())
            .collect();
        for seat in seats {
            if let Some(grant) = seat.take_granted() {
                let action = self.session.on_granted(seat.name(), grant);
                self.perform(action, outbox);
            }
            let known = self.behind.iter().any(|b| b.room() == seat.name());
            if !known && let Some(missed) = seat.behind() {
                self.behind.push_back(CatchingUp::after(seat, missed));
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        let retries = self.behind.iter().filter_map(CatchingUp::retry_at);
        let deadline = self.session.deadline();
        retries.min().map_or(deadline, |retry| retry.min(deadline))
    }

    /// Gives up every seat.
    pub(super) fn leave(&mut self) {
        self.behind.clear();
        self.seats.clear();
    }
}

impl Timed for RoomsV1 {
    fn deadline(&self) -> Instant {
        self.next_deadline()
    }

    fn on_time(&mut self, now: Instant, outbox: &Outbox, unanswered: Close) {
        for behind in &mut self.behind {
            behind.on_time(now);
        }
        loop {
            match self.session.on_time(now) {
                Action::Nothing => return,
                Action::Close(Close::TooSlow) => return outbox.close(unanswered),
                Action::Close(close) => return outbox.close(close),
                action => self.perform(action, outbox),
            }
        }
    }
}
