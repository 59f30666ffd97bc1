//! The servers start, serve, and start again with what they had.

#![allow(clippy::unwrap_used)]

use test_servers::{Nats, NatsCluster, Postgres, postgres::sql};

#[test]
fn a_killed_postgres_comes_back_with_its_data() {
    let mut server = Postgres::start();
    let database = server.database();
    sql(&database.url, "CREATE TABLE t (i int)");
    sql(&database.url, "INSERT INTO t VALUES (42)");
    server.kill();
    server.restart();
    assert_eq!(sql(&database.url, "SELECT i FROM t"), "42\n");
}

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
