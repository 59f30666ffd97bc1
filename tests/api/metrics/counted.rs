//! What happens is counted, once.

use futures_util::SinkExt;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{Exposition, scrape};
use crate::{
    mint,
    service::{Answer, Service, until_async},
    socket::Socket,
};

/// How much more of something there is than before.
struct Growth<'a>(&'a Exposition, &'a Exposition);

impl Growth<'_> {
    #[track_caller]
    fn is(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        let before = self.0.get(name, labels).unwrap_or(0.0);
        let growth = self.1.value(name, labels) - before;
        assert_eq!(growth, expected, "{name} {labels:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_registrations_and_refreshes_by_what_came_of_them() {
    let service = Service::start().await;
    let before = scrape(&service).await;
    let tokens = service.sign_up("ann").await;
    service.register("ann", "another-password-47").await;
    service.register("a b", "another-password-47").await;
    service.register("bob", "password").await;
    for (name, password) in [("ann", "wrong"), ("nobody", "wrong"), ("a b", "wrong")] {
        let refused = service.login(name, password).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let refreshed = service.refresh(&tokens.refresh).await;
    service.refresh(&tokens.refresh).await;
    let newer = refreshed.body["refresh_token"].as_str().unwrap();
    service.refresh(newer).await;
    service.refresh("nothing").await;
    // An old one, which ends the session; and then there is none.
    service.refresh(&tokens.refresh).await;
    service.refresh(newer).await;
    let again = service.sign_in("ann").await;
    service
        .post_as(&again.access, "/auth/logout", json!({}))
        .await;

    let after = scrape(&service).await;
    let growth = Growth(&before, &after);
    let outcome = |outcome| [("outcome", outcome)];
    growth.is("service_registrations_total", &outcome("succeeded"), 1.0);
    growth.is("service_registrations_total", &outcome("refused"), 3.0);
    growth.is("service_logins_total", &outcome("succeeded"), 2.0);
    growth.is("service_logins_total", &outcome("refused"), 3.0);
    growth.is("service_logins_total", &outcome("busy"), 0.0);
    growth.is("service_refreshes_total", &outcome("rotated"), 2.0);
    growth.is("service_refreshes_total", &outcome("repeated"), 1.0);
    growth.is("service_refreshes_total", &outcome("reused"), 1.0);
    growth.is("service_refreshes_total", &outcome("refused"), 2.0);
    growth.is("service_sessions_opened_total", &[], 2.0);
    let reason = |reason| [("reason", reason)];
    growth.is(
        "service_sessions_ended_total",
        &reason("refresh_reuse"),
        1.0,
    );
    growth.is("service_sessions_ended_total", &reason("logout"), 1.0);
    // One for the registration that was made, one for each login.
    growth.is("service_password_hash_duration_seconds_count", &[], 6.0);
    let rotate = [("operation", "sessions.rotate")];
    growth.is(
        "service_store_operation_duration_seconds_count",
        &rotate,
        4.0,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_by_route_and_whatever_no_route_is_for_is_one() {
    let service = Service::start().await;
    for path in ["/livez", "/nowhere", "/nowhere/else?a=b", "/auth/login"] {
        Answer::of(service.request(Method::GET, path)).await;
    }
    let said = scrape(&service).await;
    let name = "service_http_requests_total";
    let asked = |method, route, status| [("method", method), ("route", route), ("status", status)];
    assert_eq!(said.value(name, &asked("GET", "/livez", "2xx")), 1.0);
    assert_eq!(said.value(name, &asked("GET", "unmatched", "4xx")), 2.0);
    assert_eq!(said.value(name, &asked("GET", "/auth/login", "4xx")), 1.0);
    let took = "service_http_request_duration_seconds_count";
    assert_eq!(said.value(took, &[("route", "unmatched")]), 2.0);
    // This one is under way.
    assert_eq!(said.value("service_http_requests_in_flight", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_what_goes_through_them_and_how_they_end() {
    let service = Service::start().await;
    let before = scrape(&service).await;
    let mut ann = service.socket_in("tea").await;
    let mut bob = service.socket_in("tea").await;
    let token = mint::token(&mint::claims("tea"));
    let rooms_v1 = Socket::open_rooms_v1(service.address, &token, "").await;
    let mut carla = rooms_v1.unwrap();
    carla.hear().await;
    for text in ["one", "two", "three"] {
        ann.say(text).await;
        for socket in [&mut ann, &mut bob, &mut carla] {
            assert!(socket.hear().await.contains(text));
        }
    }
    let open = scrape(&service).await;
    let protocol = |protocol| [("protocol", protocol)];
    let connections = "service_websocket_connections";
    assert_eq!(open.value(connections, &protocol("bearer")), 2.0);
    assert_eq!(open.value(connections, &protocol("rooms.v1")), 1.0);
    assert_eq!(open.value("service_rooms", &[]), 1.0);
    assert_eq!(open.value("service_websocket_backlogged", &[]), 0.0);
    let growth = Growth(&before, &open);
    growth.is("service_websocket_messages_published_total", &[], 3.0);
    growth.is("service_room_messages_total", &[], 3.0);
    growth.is("service_deliveries_total", &protocol("bearer"), 6.0);
    growth.is("service_deliveries_total", &protocol("rooms.v1"), 3.0);
    // Each a header of two bytes and the text, to two sockets.
    let bytes = f64::from(2 * (3 * 2 + 3 + 3 + 5));
    growth.is("service_delivery_bytes_total", &protocol("bearer"), bytes);

    // A client that says why it goes, one that says something of its own, and
    // one that the service closes.
    for (socket, code) in [(&mut bob, 1000), (&mut carla, 4321)] {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        let closed = socket.stream.send(Message::Close(Some(frame))).await;
        closed.unwrap();
    }
    ann.stream
        .send(Message::text("x".repeat(100_000)))
        .await
        .unwrap();
    // And those that get none.
    assert!(Socket::open(service.address, "no token").await.is_err());
    Answer::of(service.request(Method::GET, "/ws")).await;
    let ended = "service_websocket_closed_total";
    until_async("all three have ended", async || {
        let said = scrape(&service).await;
        said.value(ended, &[]) == 3.0 && said.value(connections, &[]) == 0.0
    })
    .await;
    let after = scrape(&service).await;
    for (by, code) in [("client", "1000"), ("client", "other"), ("service", "1009")] {
        assert_eq!(after.value(ended, &[("by", by), ("code", code)]), 1.0);
    }
    let growth = Growth(&before, &after);
    let handshakes = "service_websocket_handshakes_total";
    growth.is(handshakes, &[("outcome", "accepted")], 3.0);
    growth.is(handshakes, &[("outcome", "token_required")], 1.0);
    growth.is(handshakes, &[("outcome", "upgrade_required")], 1.0);
    assert_eq!(after.value("service_rooms", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_one_process_count_apart() {
    let (busy, idle) = (Service::start().await, Service::start().await);
    busy.sign_up("ann").await;
    let opened = "service_sessions_opened_total";
    assert_eq!(scrape(&busy).await.value(opened, &[]), 1.0);
    assert_eq!(scrape(&idle).await.value(opened, &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_how_it_is() {
    let service = Service::start().await;
    let said = scrape(&service).await;
    for up in ["service_ready", "service_store_up", "service_bus_up"] {
        assert_eq!(said.value(up, &[]), 1.0, "{up}");
    }
    assert_eq!(said.value("service_draining", &[]), 0.0);
    assert!(said.value("process_resident_memory_bytes", &[]) > 1e6);
    assert!(said.value("process_open_fds", &[]) > 3.0);
    assert!(said.value("process_cpu_seconds_total", &[]) > 0.0);
    let most = said.value("service_store_connections_max", &[]);
    assert!(said.value("service_store_connections", &[]) <= most);
}
