//! The servers start, serve, and start again with what they had.

use test_servers::{Nats, NatsCluster};

#[test]
fn a_nats_server_shows_what_it_does() {
    let mut server = Nats::start();
    assert!(server.monitor("/varz").contains("\"jetstream\""));
    server.kill();
    assert!(!server.is_running());
    server.restart();
    assert!(server.monitor("/subsz").contains("num_subscriptions"));
}

#[test]
fn three_nats_servers_are_a_cluster_that_survives_one() {
    let mut cluster = NatsCluster::start();
    cluster.servers[0].kill();
    cluster.wait_for_leader();
    cluster.servers[0].restart();
    cluster.wait_for_leader();
}
