//! A socket of `rooms.v1` takes a seat in one more room.

use std::{
    ops::ControlFlow::{self, Continue},
    pin::Pin,
    sync::Arc,
};

use contract::{BusError, Recovery, Timestamp};
use tokio::time::{Instant, Sleep};

use super::{RoomsV1, Seated};
use crate::ws::{
    entrance::attend,
    hub::{Behind, Occupant},
    rooms_v1::{
        event::{self, Ack, Event},
        session::{Action, NoSeat, Take},
    },
    socket::{CatchingUp, Keeper},
    wire::Format,
};

impl RoomsV1 {
    pub(super) async fn take(
        &mut self,
        take: Take,
        keeper: &Keeper,
        mut timer: Pin<&mut Sleep>,
    ) -> ControlFlow<(), Option<Action>> {
        let gateway = self.gateway.clone();
        let token = take.token.clone();
        let who = Occupant {
            connection: self.connection,
            user: self.user,
            grant: token.grant,
            format: Format::RoomsV1,
            presence: token.presence,
        };
        let taking = async {
            let seat = gateway.hubs.join(&token.room, who, &keeper.outbox).await?;
            let missed = match take.since {
                Some(since) => Some((since, seat.read(Some(since)).await?)),
                None => None,
            };
            Ok((seat, missed))
        };
        let taken: Result<_, BusError> =
            match keeper.meanwhile(self, timer.as_mut(), taking).await? {
                Some(taken) => taken,
                None => return Continue(None),
            };
        let (seat, missed) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a room can't be listened to"
                );
                return Continue(Some(self.session.not_seated(take, NoSeat::Unavailable)));
            }
        };
        // A change that came before the seat was taken didn't find it.
        let Some(grant) = gateway.memberships.grant(&token, Timestamp::now()) else {
            return Continue(Some(self.session.not_seated(take, NoSeat::NotPermitted)));
        };
        let event = self.session.seated(&take, grant, Instant::now());
        let ack = |position, recovered| {
            let ack = Ack {
                id: take.id.as_deref().map(Into::into),
                seat: Some(event::Seat {
                    position: event::position(position),
                    recovered,
                    ..event
                }),
                ..Ack::default()
            };
            Some(Event::Ack(ack).frame())
        };
        let seat = Arc::new(seat);
        match missed {
            None => seat.go_live(|position| ack(position, None)),
            Some((since, reading)) if reading.history.recovery == Recovery::Complete => {
                seat.go_behind(since, |position| ack(position, Some(true)));
                self.recover(CatchingUp::with(seat.clone(), since, reading));
            }
            Some((since, reading)) => {
                let missed = Behind { after: Some(since) };
                seat.count_gap();
                seat.go_on(missed, &reading, |position| ack(position, Some(false)));
            }
        }
        let seated = Seated {
            seat,
            _attendance: attend(&gateway, &token),
        };
        self.seats.insert(token.room, seated);
        Continue(Some(Action::Nothing))
    }
}
