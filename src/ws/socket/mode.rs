//! What a frame does, in either format.

use std::{
    ops::ControlFlow::{self, Continue},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep};

use super::{
    Raw, RoomsV1,
    keeper::{Due, Keeper},
};
use crate::ws::{close::Close, outbox::Outbox, session::Frame};

/// How a socket is spoken to. That of `rooms.v1`, and all that it waits for,
/// is on the heap: raw sockets would carry it too.
pub(in crate::ws) enum Mode {
    Raw(Raw),
    RoomsV1(Box<RoomsV1>),
}

impl Mode {
    /// When it wants to do something by itself.
    pub(super) fn deadline(&self) -> Instant {
        match self {
            Self::Raw(raw) => raw.session.deadline(),
            Self::RoomsV1(rooms) => rooms.next_deadline(),
        }
    }

    pub(super) fn poll_due(
        &self,
        keeper: &Keeper,
        cx: &mut Context<'_>,
        timer: Pin<&mut Sleep>,
    ) -> Poll<Due> {
        match self {
            Self::Raw(raw) => keeper.poll_due(cx, &raw.session, timer),
            Self::RoomsV1(rooms) => keeper.poll_due(cx, &**rooms, timer),
        }
    }

    pub(super) fn keep(
        &mut self,
        due: Due,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        match self {
            Self::Raw(raw) => keeper.keep(due, &mut raw.session, timer, Close::TooSlow),
            Self::RoomsV1(rooms) => keeper.keep(due, &mut **rooms, timer, Close::TooSlow),
        }
    }

    /// The peer sent a frame. `Break` if there is nobody any more.
    pub(super) async fn on_frame(
        &mut self,
        frame: Frame,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        match self {
            Self::Raw(raw) => raw.on_frame(frame, keeper, timer).await,
            Self::RoomsV1(rooms) => Box::pin(rooms.on_frame(frame, keeper, timer)).await,
        }
    }

    /// There is nothing more to read for now, or at all.
    pub(super) fn end_turn(&mut self, keeper: &Keeper) {
        if let Self::RoomsV1(rooms) = self {
            rooms.flush(&keeper.outbox);
        }
    }

    /// Something happened to a seat.
    pub(super) fn attend(&mut self, outbox: &Outbox) {
        if let Self::RoomsV1(rooms) = self {
            rooms.look_if_asked(outbox);
        }
    }

    /// Goes on with what is to be done beside reading. Returns whether there is
    /// more.
    pub(super) async fn go_on(
        &mut self,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<(), bool> {
        match self {
            Self::RoomsV1(rooms) if rooms.is_behind() => {
                Box::pin(rooms.catch_up(keeper, timer)).await
            }
            Self::Raw(_) | Self::RoomsV1(_) => Continue(false),
        }
    }

    /// Gives up every seat.
    pub(super) fn leave(&mut self) {
        match self {
            Self::Raw(raw) => {
                raw.seat = None;
                raw.attendance = None;
            }
            Self::RoomsV1(rooms) => rooms.leave(),
        }
    }
}
