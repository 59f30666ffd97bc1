//! Another application's table becomes accounts though it is killed meanwhile,
//! and nobody is locked out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use test_servers::Place;

use crate::process::{Process, SOON, command, output};

/// Hashes so cheap that the test is about rows.
const CHEAP: [(&str, &str); 2] = [
    ("APP__PASSWORDS__MEMORY_KIB", "64"),
    ("APP__PASSWORDS__ITERATIONS", "1"),
];

const DESCRIPTION: &str = r#"
table = "users"
key = "id"
username = "login"
digest = "password_hash"
salt = "salt"
recipe = "scheme"

[[recipes]]
name = "1"
algorithm = "sha256"
order = "salt-password"

[[recipes]]
name = "2"
algorithm = "sha256"
order = "password-salt"
salt_encoding = "hex"

[[recipes]]
name = "3"
algorithm = "sha512"
order = "salt-password"
digest_encoding = "base64"
"#;

/// A table, and what is known of it.
struct Users {
    sql: String,
    /// Passwords by names: three of each recipe, and some odd ones.
    canaries: BTreeMap<String, String>,
    /// A digest of one of them, as it is in the table.
    stolen: String,
    /// Keys of rows that can't be taken over, and the reasons.
    malformed: BTreeMap<usize, &'static str>,
    /// Names of those that are accounts all the same in the end.
    kept: BTreeSet<String>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

fn of(algorithm: &'static Algorithm, parts: [&[u8]; 2]) -> Vec<u8> {
    digest(algorithm, &parts.concat()).as_ref().to_vec()
}

impl Users {
    /// Of `rows` rows one in a hundred can't be taken over.
    fn new(rows: usize) -> Self {
        let mut users = Self {
            sql: "CREATE TABLE users (id integer PRIMARY KEY, login varchar(100), \
                  password_hash varchar(128), salt varchar(64), scheme varchar(10), \
                  city varchar(20) DEFAULT 'Bern');\n"
                .to_owned(),
            canaries: BTreeMap::new(),
            stolen: String::new(),
            malformed: BTreeMap::new(),
            kept: BTreeSet::new(),
        };
        for id in 1..=rows {
            users.add(id);
        }
        assert_eq!(users.malformed.len(), rows / 100);
        users
    }

    fn add(&mut self, id: usize) {
        let name = format!("user{id}");
        let password = match id % 1000 {
            // As people may have them elsewhere.
            4 => "tab\there".to_owned(),
            5 => "x".to_owned(),
            6 => "Gru\u{0308}\u{00df}e".to_owned(),
            _ => format!("secret of {id}"),
        };
        let typed = password.as_bytes();
        let salt = format!("salt-{id}");
        let (digest, salt, scheme) = match id % 3 {
            0 => (hex(&of(&SHA256, [salt.as_bytes(), typed])), salt, "1"),
            1 => {
                let digest = of(&SHA256, [typed, salt.as_bytes()]);
                (hex(&digest).to_uppercase(), hex(salt.as_bytes()), "2")
            }
            _ => (base64(&of(&SHA512, [salt.as_bytes(), typed])), salt, "3"),
        };
        let mut row = [
            Some(name.clone()),
            Some(digest.clone()),
            Some(salt),
            Some(scheme.to_owned()),
        ];
        if id % 100 == 50 {
            let (column, value, reason) = match id / 100 % 8 {
                0 => (0, None, "it has no username"),
                1 => (0, Some("two words".to_owned()), "a username has letters"),
                2 => (0, Some("USER1".to_owned()), "its username is taken"),
                3 => (1, None, "its digest is not"),
                4 => (1, Some(digest[..20].to_owned()), "its digest is not"),
                5 => (1, Some("*".repeat(64)), "its digest is not"),
                6 => (2, None, "its salt is not"),
                _ => (3, Some("md5".to_owned()), "no recipe has the name"),
            };
            row[column] = value;
            self.malformed.insert(id, reason);
            if column != 0 {
                self.kept.insert(name);
            }
        } else {
            if id % 1000 < 9 {
                self.canaries.insert(name.clone(), password);
            }
            if id == 3 {
                self.stolen = digest;
            }
            self.kept.insert(name);
        }
        let values = row.map(|value| value.map_or("NULL".to_owned(), |text| format!("'{text}'")));
        let _ = writeln!(
            self.sql,
            "INSERT INTO users (id, login, password_hash, salt, scheme) VALUES ({id}, {});",
            values.join(", ")
        );
    }

    fn canaries(&self) -> String {
        let lines = self.canaries.iter().map(|(username, password)| {
            let line = json!({"username": username, "password": password});
            format!("{line}\n")
        });
        lines.collect()
    }

    /// By which recipe the digest of a canary was made.
    fn scheme_of(canary: &str) -> usize {
        let line: serde_json::Value = serde_json::from_str(canary).unwrap();
        let name = line["username"].as_str().unwrap();
        let id: usize = name.trim_start_matches("user").parse().unwrap();
        id % 3 + 1
    }

    /// The lines of standard output are the malformed rows, each once.
    fn assert_reported(&self, output: &Output, end: &str) {
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        let mut reported = BTreeMap::new();
        for line in said.lines() {
            let (key, reason) = line.strip_prefix("row ").unwrap().split_once(": ").unwrap();
            assert!(reason.ends_with(end), "{line}");
            let before = reported.insert(key.parse::<usize>().unwrap(), reason);
            assert_eq!(before, None, "{line}");
        }
        for (key, reason) in &self.malformed {
            let said = reported.remove(key);
            assert!(
                said.is_some_and(|said| said.starts_with(reason)),
                "{key}: {said:?}"
            );
        }
        assert_eq!(reported, BTreeMap::new());
    }
}

fn last_words(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    said.lines().last().unwrap_or_default().to_owned()
}

fn number(text: &str) -> usize {
    text.trim().parse().unwrap()
}

/// `sql` runs statements on the store's database, which is at `url`, and
/// returns what the last one finds.
pub async fn a_table_is_taken_over(
    place: Arc<Place>,
    url: &str,
    rows: usize,
    sql: impl Fn(&str) -> String,
) {
    let users = Users::new(rows);
    let variables = [&CHEAP[..], &[("DATABASE_URL", url)]].concat();
    // What makes the database.
    let none = output(&place, &variables, &["user", "disable", "nobody"]);
    assert!(
        last_words(&none).contains("there is no account"),
        "{none:?}"
    );
    // A command line is only so long.
    for statements in users.sql.lines().collect::<Vec<_>>().chunks(200) {
        sql(&statements.concat());
    }
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let table = file("table.toml", DESCRIPTION);
    let swapped = DESCRIPTION.replace("password-salt", "salt-password");
    let swapped = file("swapped.toml", &swapped);
    let canaries = file("canaries.jsonl", &users.canaries());
    let migrate = |table: &str, more: &[&str]| {
        let all = ["user", "migrate", "--table", table, "--canaries", &canaries];
        output(&place, &variables, &[&all[..], more].concat())
    };
    let accounts = || number(&sql("SELECT count(*) FROM accounts"));
    let left = "SELECT count(*) FROM users WHERE coalesce(password_hash, '') NOT LIKE '$%'";

    let dry = migrate(&table, &["--dry-run"]);
    assert!(dry.status.success(), "{dry:?}");
    // Whose name is taken shows only when the other one has it.
    let taken: Vec<usize> = users
        .malformed
        .keys()
        .copied()
        .filter(|id| id / 100 % 8 == 2)
        .collect();
    let reported = String::from_utf8(dry.stdout).unwrap().lines().count();
    assert_eq!(reported, users.malformed.len() - taken.len());

    let wrong = migrate(&swapped, &[]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        last_words(&wrong).contains("is the recipe right?"),
        "{wrong:?}"
    );
    assert_eq!((accounts(), number(&sql(left))), (0, rows));

    // Nobody is known whose digest was made by the third recipe.
    let some: String = users
        .canaries()
        .lines()
        .filter(|line| Users::scheme_of(line) != 3)
        .map(|line| format!("{line}\n"))
        .collect();
    let some = file("some.jsonl", &some);
    let all = ["user", "migrate", "--table", &table, "--canaries", &some];
    let unshown = output(&place, &variables, &all);
    assert_eq!(unshown.status.code(), Some(1));
    assert!(
        last_words(&unshown).contains("recipe `3`: no canary shows"),
        "{unshown:?}"
    );
    assert_eq!((accounts(), number(&sql(left))), (0, rows));

    let mut killed = command(&place, &variables)
        .args([
            "user",
            "migrate",
            "--table",
            &table,
            "--canaries",
            &canaries,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + SOON;
    while accounts() < rows / 4 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill_process(Pid::from_child(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();
    let (made, untouched) = (accounts(), number(&sql(left)));
    assert!(made < rows / 2, "{made}: it was killed too late");
    assert_eq!(
        made + untouched,
        rows,
        "each row is either one or the other"
    );

    let rest = migrate(&table, &[]);
    assert_eq!(rest.status.code(), Some(1), "{rest:?}");
    users.assert_reported(&rest, "");
    assert_eq!(accounts(), rows - users.malformed.len());
    let refused = migrate(&table, &["--drop-salt"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        last_words(&refused).contains(&format!("{} rows are left", users.malformed.len())),
        "{refused:?}"
    );
    let salts = "SELECT count(*) FROM users WHERE coalesce(salt, 'none') <> ''";
    assert_eq!(number(&sql(salts)), users.malformed.len());

    let set_aside = migrate(&table, &["--set-aside", "--drop-salt"]);
    assert!(set_aside.status.success(), "{set_aside:?}");
    users.assert_reported(&set_aside, "; set aside");
    assert_eq!(number(&sql(left)), 0);
    assert_eq!(
        number(&sql("SELECT count(*) FROM users WHERE city = 'Bern'")),
        rows
    );
    let columns = sql("SELECT * FROM users WHERE id = 3");
    assert!(!columns.contains("salt-3"), "{columns}");
    assert!(!columns.contains(&users.stolen), "{columns}");
    assert_eq!(accounts(), users.kept.len());

    let service = Process::start_at(place, &variables);
    everybody_is_let_in(&service, &users).await;
}

async fn everybody_is_let_in(service: &Process, users: &Users) {
    let login = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        service.post("/auth/login", body).await.unwrap().0
    };
    assert_eq!(login("user3", &users.stolen).await, 401);
    for (username, password) in &users.canaries {
        // A second time by a hash that is this service's own, if it can be.
        for _ in 0..2 {
            assert_eq!(login(username, password).await, 200, "{username}");
        }
        assert_eq!(
            login(username, &format!("{password}.")).await,
            401,
            "{username}"
        );
    }
    // Who was set aside has an account, which waits for a password.
    let kept = users.malformed.keys().map(|id| format!("user{id}"));
    for username in kept.filter(|name| users.kept.contains(name)) {
        assert_eq!(login(&username, "").await, 401, "{username}");
        let (status, _) = service
            .credentials("/auth/register", &username)
            .await
            .unwrap();
        assert_eq!(status, 409, "{username}");
    }
}
