//! A PostgreSQL server, and databases on it.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use uuid::Uuid;

use crate::{
    authority::certify,
    place::Store,
    process::{Process, folder, free_port, program, wait_until},
};

const PACKAGE: &str = "postgresql";

/// A PostgreSQL server of one's own, or the one that `TEST_POSTGRES_URL` names,
/// where a test doesn't have to kill it.
///
/// One's own trusts everyone who says that they are `postgres`; a role named
/// `with_password`, which a test may make, has to know its password.
#[derive(Debug)]
pub struct Postgres {
    /// Of the server, without a database's name.
    base: String,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    folder: PathBuf,
    port: u16,
    durable: bool,
    process: Option<Process>,
}

/// An empty database; dropped with this where the server is not a private one.
#[derive(Debug)]
pub struct Database {
    /// Where it is.
    pub url: String,
    /// The server's own database and this one's name, if it is to be dropped.
    drop: Option<(String, String)>,
}

impl Postgres {
    /// The server of this process, started when it is first asked for.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("TEST_POSTGRES_URL") {
            Ok(url) => Self {
                base: url,
                own: None,
            },
            Err(_) => Self::start(),
        })
    }

    /// A server of one's own, to be killed. It doesn't wait for the disk:
    /// the machine itself goes on.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(false, |_, _| ())
    }

    /// A server that waits for the disk, as in production.
    #[must_use]
    pub fn start_durable() -> Self {
        Self::start_with(true, |_, _| ())
    }

    /// A server that offers TLS, under the name `localhost`.
    #[must_use]
    pub fn start_with_tls() -> Self {
        Self::start_with(false, |folder, data| {
            certify(folder, data);
            append(&data.join("postgresql.conf"), "ssl = on\n");
        })
    }

    /// `prepare` gets the server's folder and its data's, before it runs.
    fn start_with(durable: bool, prepare: impl FnOnce(&Path, &Path)) -> Self {
        let folder = folder("postgres");
        if let Some((user, group)) = stand_in() {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let data = folder.join("data");
        let made = run(as_server("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync"]));
        assert!(made.status.success(), "initdb: {made:?}");
        let rules = data.join("pg_hba.conf");
        let trusting = fs::read_to_string(&rules).unwrap();
        let asking = "host all with_password all scram-sha-256\n";
        fs::write(&rules, format!("{asking}{trusting}")).unwrap();
        prepare(&folder, &data);
        if let Some((user, group)) = stand_in() {
            for entry in fs::read_dir(&data).unwrap() {
                chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
            }
        }
        // Another process may take a free port first.
        for _ in 0..5 {
            let port = free_port();
            let mut own = Own {
                folder: folder.clone(),
                port,
                durable,
                process: None,
            };
            if own.run().is_ok() {
                return Self {
                    base: format!("postgres://postgres@127.0.0.1:{port}"),
                    own: Some(own),
                };
            }
        }
        panic!(
            "postgres does not start: {}",
            fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
    }

    /// An empty database of its own.
    #[must_use]
    pub fn database(&self) -> Database {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let maintenance = match &self.own {
            Some(_) => format!("{}/postgres", self.base),
            None => self.base.clone(),
        };
        sql(&maintenance, &format!("CREATE DATABASE {name}"));
        let (server, parameters) = match self.base.split_once('?') {
            Some((server, parameters)) => (server, format!("?{parameters}")),
            None => (&*self.base, String::new()),
        };
        // What follows the host is the server's own database.
        let host = server.find("://").map_or(0, |at| at + 3);
        let server = match server[host..].find('/') {
            Some(slash) => &server[..host + slash],
            None => server,
        };
        Database {
            url: format!("{server}/{name}{parameters}"),
            drop: self.own.is_none().then_some((maintenance, name)),
        }
    }

    /// Where the server listens; only of one's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// The certificate of the authority behind a server with TLS.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.own().folder.join("authority.pem")
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        if let Some(process) = self.own_mut().process.take() {
            process.kill();
        }
    }

    /// Starts it again, on the same port and data.
    pub fn restart(&mut self) {
        let own = self.own_mut();
        if let Some(process) = own.process.take() {
            process.stop();
        }
        // Processes of the one that was killed may hold its memory for a moment.
        for _ in 0..20 {
            if own.run().is_ok() {
                return;
            }
        }
        panic!(
            "postgres does not start again: {}",
            fs::read_to_string(own.folder.join("log")).unwrap_or_default()
        );
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("a server of one's own")
    }

    fn own_mut(&mut self) -> &mut Own {
        self.own.as_mut().expect("a server of one's own")
    }
}

impl Own {
    fn run(&mut self) -> Result<(), String> {
        let mut command = as_server("postgres");
        command.arg("-D").arg(self.folder.join("data"));
        let durable = if self.durable { "on" } else { "off" };
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.display()),
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
            format!("fsync={durable}"),
        ] {
            command.arg("-c").arg(setting);
        }
        let process = Process::start(&self.folder, "INT", &command);
        let port = self.port.to_string();
        let ready = || {
            run(Command::new(tool("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port]))
                .status
                .success()
        };
        match wait_until(&process, &self.folder, ready) {
            Ok(()) => {
                self.process = Some(process);
                Ok(())
            }
            Err(log) => {
                process.stop();
                Err(log)
            }
        }
    }
}

/// A database on the server that this process shares.
pub(crate) fn store(_: &Path) -> Box<dyn Store> {
    Box::new(Postgres::shared().database())
}

impl Store for Database {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn accounts(&self) -> String {
        sql(&self.url, "SELECT * FROM accounts")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((maintenance, name)) = &self.drop {
            sql(maintenance, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Runs a statement with the server's own client.
///
/// # Panics
/// If the statement fails.
pub fn sql(url: &str, statement: &str) -> String {
    let done = run(Command::new(tool("psql")).args([
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        url,
        "-c",
        statement,
    ]));
    assert!(done.status.success(), "{statement}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn append(file: &Path, text: &str) {
    let before = fs::read_to_string(file).unwrap();
    fs::write(file, before + text).unwrap();
}

/// A program of the server, as the user that it may run as: it refuses root.
fn as_server(name: &str) -> Command {
    let program = tool(name);
    let Some((user, group)) = stand_in() else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .arg(format!("--regid={group}"))
        .arg("--clear-groups")
        .arg(program);
    command
}

/// Who the server runs as, if this process is root.
fn stand_in() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = users.lines().find(|line| line.starts_with("postgres:"));
    let entry = entry.unwrap_or_else(|| {
        panic!("there is no user postgres; apt-get install -y {PACKAGE} makes it")
    });
    let mut fields = entry.split(':').skip(2);
    let mut number = || fields.next()?.parse().ok();
    Some((number()?, number()?))
}

/// A program of the newest version that is installed; Debian keeps them apart.
fn tool(name: &str) -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let places: Vec<PathBuf> = versions.into_iter().rev().map(|(_, path)| path).collect();
    program(name, PACKAGE, &places)
}

fn run(command: &mut Command) -> Output {
    command
        .current_dir("/")
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
