//! The server starts, serves, and starts again with what it had.

use test_servers::{Postgres, postgres::sql};

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
