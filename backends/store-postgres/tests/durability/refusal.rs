//! Who may connect, what is refused, and in which words.

use std::net::TcpListener;

use contract::{CredentialStore, StoreError};
use sqlx_core::{connection::Connection, raw_sql::raw_sql, sql_str::AssertSqlSafe};
use sqlx_postgres::PgConnection;
use test_servers::{Postgres, postgres::sql};

use crate::{account, connect, enrolled, signed_in, store, through, time, told};

/// Connecting fails for good; what a log would show of it.
async fn refused(url: &str) -> String {
    let error = connect(url, 2).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    told(&error)
}

/// Connecting fails for now; what a log would show of it.
async fn unreachable(url: &str) -> String {
    let error = connect(url, 2).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    told(&error)
}

#[tokio::test]
async fn a_url_that_makes_no_sense_is_refused_without_being_shown() {
    for url in [
        "",
        "s3cret",
        "mysql://ann:s3cret@localhost/app",
        "mysql:s3cret",
        "postgres://ann:s3cret@local host/app",
        "postgres://ann:s3cret@localhost:port/app",
        "postgres://ann:s3cret@localhost:99999/app",
        "postgres://ann:s3cret@localhost/app?sslmode=perhaps",
        "postgres://ann:12/s3cret@localhost/app",
        "postgres://ann:12?s3cret@localhost/app",
        "postgres://ann:12#s3cret@localhost/app",
    ] {
        let told = refused(url).await;
        assert!(!told.contains("s3cret"), "{url}: {told}");
    }
}

#[tokio::test]
async fn a_pool_without_a_useful_size_is_refused() {
    for size in [0, 1001, u32::MAX] {
        let error = connect("postgres://localhost/app", size).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(told(&error).contains(&format!("not {size}")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_named() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let told = unreachable(&format!("postgres://ann:s3cret@127.0.0.1:{port}/app")).await;
    assert!(
        told.contains(&format!("`app` at 127.0.0.1:{port}")) && told.contains("refused"),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");
    let told = unreachable("postgres://ann:s3cret@nobody.invalid/app").await;
    assert!(told.contains("`app` at nobody.invalid:5432"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

/// It takes connections, and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = unreachable(&format!("postgres://ann:s3cret@127.0.0.1:{port}/app")).await;
    assert!(told.contains("no answer"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_database_are_refused() {
    let server = Postgres::start();
    let database = server.database();
    sql(
        &database.url,
        "CREATE ROLE with_password LOGIN SUPERUSER PASSWORD 's3cret'",
    );
    let host = format!("127.0.0.1:{}", server.port());
    let as_role = |password| through(&database.url, &format!("with_password:{password}@{host}"));
    let told = refused(&as_role("wr0ng")).await;
    assert!(
        told.contains("password authentication failed") && told.contains(&host),
        "{told}"
    );
    assert!(!told.contains("wr0ng"), "{told}");
    let store = connect(&as_role("s3cret"), 2).await.unwrap();
    store.ping().await.unwrap();
    let shown = format!("{store:?}");
    assert!(
        shown.contains(&host) && !shown.contains("s3cret"),
        "{shown}"
    );

    let told = refused(&format!("postgres://postgres@{host}/nowhere")).await;
    assert!(told.contains("\"nowhere\" does not exist"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_judged_as_the_url_asks() {
    let server = Postgres::start_with_tls();
    let stranger = Postgres::start_with_tls();
    let database = server.database();
    let url = |host: &str, parameters: &str| {
        let url = through(&database.url, &format!("postgres@{host}:{}", server.port()));
        format!("{url}?{parameters}")
    };
    let own = server.authority().display().to_string();
    let other = stranger.authority().display().to_string();

    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'judged'";
    for (host, parameters) in [
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={own}"),
        ),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={own}")),
        ("127.0.0.1", "sslmode=require".to_owned()),
    ] {
        let parameters = format!("{parameters}&application_name=judged");
        let store = connect(&url(host, &parameters), 2).await.unwrap();
        store.ping().await.unwrap();
        assert_eq!(sql(&database.url, encrypted), "t\n", "{parameters}");
        store.close().await;
    }
    for (host, parameters) in [
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={other}"),
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&sslrootcert={other}"),
        ),
        ("localhost", "sslmode=verify-full".to_owned()),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={own}"),
        ),
    ] {
        let told = refused(&url(host, &parameters)).await;
        assert!(told.contains("certificate"), "{parameters}: {told}");
    }
    let told = refused(&url(
        "localhost",
        "sslmode=verify-full&sslrootcert=/nowhere.pem",
    ))
    .await;
    assert!(told.contains("can't read a certificate"), "{told}");

    let plain = Postgres::start();
    let url = format!("postgres://postgres@localhost:{}/postgres", plain.port());
    let told = refused(&format!("{url}?sslmode=require")).await;
    assert!(told.contains("does not support TLS"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_in_clear_words() {
    let (_store, database) = store().await;
    sql(
        &database.url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (907, 'later', TRUE, '\\x00', 0)",
    );
    let told = refused(&database.url).await;
    assert!(
        told.contains("newer version") && told.contains("907") && told.contains("`test_"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_migration_is_refused() {
    let (_store, database) = store().await;
    sql(
        &database.url,
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2",
    );
    let told = refused(&database.url).await;
    assert!(told.contains("migration 2 has been modified"), "{told}");
}

/// What a failed migration did before it failed is undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_migration_leaves_nothing() {
    let database = Postgres::shared().database();
    sql(&database.url, "CREATE TABLE sessions (somebody text)");
    let told = refused(&database.url).await;
    assert!(
        told.contains("can't be brought up to date") && told.contains("already exists"),
        "{told}"
    );
    let tables = "SELECT string_agg(relname, ' ') FROM pg_stat_user_tables";
    assert_eq!(sql(&database.url, tables), "sessions\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_in_utf8_is_refused() {
    let server = Postgres::start();
    let database = server.database();
    sql(
        &database.url,
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    let url = format!("postgres://postgres@127.0.0.1:{}/latin", server.port());
    let told = refused(&url).await;
    assert!(
        told.contains("`latin`") && told.contains("LATIN1"),
        "{told}"
    );
}

/// Whoever serves need not be able to change the schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_migrate_serves_a_migrated_database() {
    let server = Postgres::start();
    let database = server.database();
    let as_guest = through(&database.url, &format!("guest@127.0.0.1:{}", server.port()));
    sql(&database.url, "CREATE ROLE guest LOGIN");
    let told = refused(&as_guest).await;
    assert!(told.contains("permission denied"), "{told}");

    connect(&database.url, 2).await.unwrap().close().await;
    sql(
        &database.url,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, sessions, rooms, memberships,
             idempotent_requests, login_attempts, login_sources TO guest;
         GRANT SELECT ON _sqlx_migrations TO guest",
    );
    let store = connect(&as_guest, 2).await.unwrap();
    let ann = enrolled(&store, "ann").await;
    signed_in(&store, &ann).await;
    assert!(store.disable(ann.id, time(1)).await.unwrap().is_some());
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_not_ready() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    store.close().await;
    let name = sql(&database.url, "SELECT current_database()");
    sql(
        &database.url,
        &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
    );
    let store = connect(&database.url, 2).await.unwrap();
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
    for error in [
        store.ping().await.unwrap_err(),
        store.create(&account("bob")).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}

/// Somebody else holds a lock: a call is given up, and the next one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_locked_by_another_is_unavailable() {
    let (store, database) = store().await;
    let mut operator = PgConnection::connect(&database.url).await.unwrap();
    run(&mut operator, "BEGIN; LOCK TABLE accounts").await;
    let error = store.create(&account("ann")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(told(&error).contains("57014"), "{}", told(&error));
    run(&mut operator, "ROLLBACK").await;
    enrolled(&store, "ann").await;
}

/// Whatever the server's defaults are, the store's promises hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_defaults_of_a_server_weaken_nothing() {
    let database = Postgres::shared().database();
    let name = sql(&database.url, "SELECT current_database()");
    for setting in [
        "synchronous_commit = off",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = 0",
    ] {
        sql(
            &database.url,
            &format!("ALTER DATABASE {name} SET {setting}"),
        );
    }
    // The row tells how the transaction that wrote it was set.
    let store = connect(&database.url, 2).await.unwrap();
    sql(
        &database.url,
        "CREATE TABLE seen (setting text, value text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO seen SELECT name, setting FROM pg_settings WHERE name IN
                ('synchronous_commit', 'transaction_isolation', 'statement_timeout');
            RETURN NULL; END $$;
         CREATE TRIGGER see AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION see()",
    );
    enrolled(&store, "ann").await;
    let seen = sql(&database.url, "SELECT * FROM seen ORDER BY setting");
    assert_eq!(
        seen,
        "statement_timeout|5000\nsynchronous_commit|on\ntransaction_isolation|read committed\n"
    );
}

async fn run(connection: &mut PgConnection, statements: &str) {
    raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}
