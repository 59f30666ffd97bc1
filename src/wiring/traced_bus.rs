//! A bus whose calls are traced where a request is. What sockets say doesn't pass
//! here: it would cost each message something, and show nothing.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{BusError, History, Message, Position, Published, RoomBus, RoomName, Subscription};

use crate::telemetry::traces::{self, Traces};

/// The bus as it is for requests: itself, where nothing is traced.
pub(crate) fn traced_bus(bus: &Arc<dyn RoomBus>, traces: &Traces) -> Arc<dyn RoomBus> {
    let bus = Arc::clone(bus);
    if traces.are_on() {
        Arc::new(Traced(bus))
    } else {
        bus
    }
}

struct Traced(Arc<dyn RoomBus>);

async fn call<T>(
    name: &'static str,
    call: impl Future<Output = Result<T, BusError>>,
) -> Result<T, BusError> {
    let failure = |result: &Result<T, BusError>| result.as_ref().err().map(BusError::kind);
    traces::child(name, call, failure).await
}

#[async_trait]
impl RoomBus for Traced {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        call("bus.publish", self.0.publish(room, message)).await
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        call("bus.subscribe", self.0.subscribe(room, since)).await
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        call("bus.history", self.0.history(room, since)).await
    }

    async fn ping(&self) -> Result<(), BusError> {
        call("bus.ping", self.0.ping()).await
    }

    fn rooms(&self) -> usize {
        self.0.rooms()
    }
}
