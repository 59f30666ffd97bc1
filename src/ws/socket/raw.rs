//! A socket in raw mode.

use std::{
    ops::ControlFlow::{self, Continue},
    pin::Pin,
};

use bytes::Bytes;
use contract::{ConnectionId, Kind, Message, UserId};
use tokio::time::{Instant, Sleep};

use super::keeper::Keeper;
use crate::{
    clock,
    presence::Attendance,
    ws::{
        close::Close,
        hub::Seat,
        session::{
            Frame,
            raw::{Action, Session},
        },
    },
};

/// A socket that says and hears messages as they are.
pub(in crate::ws) struct Raw {
    pub(in crate::ws) user: UserId,
    pub(in crate::ws) connection: ConnectionId,
    pub(in crate::ws) session: Session,
    /// `None` once the socket has left the room.
    pub(in crate::ws) seat: Option<Seat>,
    /// On the heap: most have none.
    pub(in crate::ws) attendance: Option<Box<Attendance>>,
}

impl Raw {
    pub(super) async fn on_frame(
        &mut self,
        frame: Frame,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        match self.session.on_frame(frame, Instant::now()) {
            Action::Publish { kind, data } => {
                return self.publish(kind, data, keeper, timer).await;
            }
            Action::Close(close) => keeper.outbox.close(close),
            Action::Ping | Action::Nothing => {}
        }
        Continue(())
    }

    async fn publish(
        &mut self,
        kind: Kind,
        data: Bytes,
        keeper: &Keeper,
        timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        let message = Message {
            from: Some(self.user),
            connection: Some(self.connection),
            at: clock::now(),
            kind,
            data,
            key: None,
        };
        let Some(seat) = &self.seat else {
            return Continue(());
        };
        let publishing = seat.publish(message);
        let published = keeper
            .meanwhile(&mut self.session, timer, publishing)
            .await?;
        if let Some(Err(error)) = published {
            tracing::warn!(
                connection = %self.connection,
                user = %self.user,
                error = &error as &dyn std::error::Error,
                "a message could not be published"
            );
            // Raw mode has no other way to say that it was heard by nobody.
            keeper.outbox.close(Close::NotDelivered);
        }
        Continue(())
    }
}
