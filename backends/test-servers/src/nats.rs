//! A NATS server, or a cluster of them, with JetStream.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use uuid::Uuid;

use crate::{
    place::{Bus, Server},
    process::{Process, folder, free_port, program, wait_until},
};

const PACKAGE: &str = "nats-server";

/// A NATS server of one's own, or the one that `TEST_NATS_URL` names, where a
/// test doesn't have to kill it.
#[derive(Debug)]
pub struct Nats {
    url: String,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    folder: PathBuf,
    port: u16,
    monitor: u16,
    /// What the configuration file says besides.
    more: String,
    process: Option<Process>,
}

/// Rooms of one's own, on the server that this process shares.
pub(crate) fn without_history() -> Bus {
    let nats = Nats::shared();
    Bus {
        variables: vec![
            ("NATS_URL", nats.url().to_owned()),
            ("APP__BUS__PREFIX", format!("test-{}", Uuid::new_v4())),
        ],
        history: false,
        server: nats.own.as_ref().map(|own| Server {
            port: own.port,
            variable: "NATS_URL",
            scheme: "nats",
        }),
    }
}

/// The same, which keep what was said.
pub(crate) fn with_history() -> Bus {
    let mut bus = without_history();
    bus.history = true;
    bus.variables.extend([
        ("APP__BUS__HISTORY", "100".to_owned()),
        ("APP__BUS__HISTORY_STORAGE", "memory".to_owned()),
    ]);
    bus
}

impl Nats {
    /// The server of this process, started when it is first asked for.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Nats> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("TEST_NATS_URL") {
            Ok(url) => Self { url, own: None },
            Err(_) => Self::start(),
        })
    }

    /// A server of one's own, to be killed.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// A server of one's own, with more in its configuration file.
    #[must_use]
    pub fn start_with(more: &str) -> Self {
        Self::start_configured(&format!("jetstream {{ store_dir: \"$FOLDER\" }}\n{more}"))
    }

    /// A server of one's own, with this in its configuration file, where
    /// `$FOLDER` is its folder.
    #[must_use]
    pub fn start_configured(more: &str) -> Self {
        // Another process may take a free port first.
        for _ in 0..5 {
            if let Ok(server) = Self::try_start(free_port(), more) {
                return server;
            }
        }
        panic!("nats-server does not start, or not with: {more}");
    }

    fn try_start(port: u16, more: &str) -> Result<Self, String> {
        let mut own = Own {
            folder: folder("nats"),
            port,
            monitor: free_port(),
            more: more.to_owned(),
            process: None,
        };
        own.run()?;
        Ok(Self {
            url: format!("nats://127.0.0.1:{port}"),
            own: Some(own),
        })
    }

    /// Where clients connect, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where clients connect; only of one's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.own().port
    }

    /// What the monitoring endpoint answers, such as `/subsz?subs=1`; only of
    /// one's own.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn monitor(&self, path: &str) -> String {
        get(self.own().monitor, path).expect("the monitoring endpoint answers")
    }

    /// Whether the server runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.own
            .as_ref()
            .is_none_or(|own| own.process.as_ref().is_some_and(Process::is_running))
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        if let Some(process) = self.own_mut().process.take() {
            process.kill();
        }
    }

    /// Stops it where it is, as a machine that hangs.
    pub fn pause(&self) {
        if let Some(process) = &self.own().process {
            process.signal(Signal::STOP);
        }
    }

    /// Lets a paused one go on.
    pub fn resume(&self) {
        if let Some(process) = &self.own().process {
            process.signal(Signal::CONT);
        }
    }

    /// Of a server that was killed: remembers what is on its disk now.
    ///
    /// # Panics
    /// If it can't be copied.
    pub fn remember_disk(&self) {
        self.copy_disk("jetstream", "remembered");
    }

    /// Of a server that was killed: nothing written since
    /// [`remember_disk`](Self::remember_disk) is on its disk, as after a loss
    /// of power.
    ///
    /// # Panics
    /// If it can't be copied.
    pub fn forget_since(&self) {
        self.copy_disk("remembered", "jetstream");
    }

    fn copy_disk(&self, from: &str, to: &str) {
        let folder = &self.own().folder;
        let _ = fs::remove_dir_all(folder.join(to));
        let copied = Command::new("cp")
            .arg("-a")
            .arg(folder.join(from))
            .arg(folder.join(to))
            .status();
        assert!(
            copied.is_ok_and(|status| status.success()),
            "{from} -> {to}"
        );
    }

    /// Starts it again, on the same ports and data.
    pub fn restart(&mut self) {
        let own = self.own_mut();
        if let Some(process) = own.process.take() {
            process.stop();
        }
        if let Err(log) = own.run() {
            panic!("nats-server does not start again: {log}");
        }
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
        let config = self.folder.join("nats.conf");
        let text = format!(
            "listen: 127.0.0.1:{}\nhttp: 127.0.0.1:{}\n{}\n",
            self.port,
            self.monitor,
            self.more
                .replace("$FOLDER", &self.folder.display().to_string()),
        );
        fs::write(&config, text).map_err(|error| error.to_string())?;
        let mut command = Command::new(program("nats-server", PACKAGE, &[]));
        command.arg("-c").arg(config);
        let process = Process::start(&self.folder, "TERM", &command);
        let monitor = self.monitor;
        // Another server may have taken the port of the monitor first: then this
        // one ends, and the other would answer for it.
        let client = self.port;
        let port = format!("\"port\": {client},");
        // The monitor is there before clients are let in.
        let ready = || {
            get(monitor, "/varz").is_some_and(|answer| answer.contains(&port))
                && TcpStream::connect(("127.0.0.1", client)).is_ok()
        };
        match wait_until(&process, &self.folder, ready) {
            Ok(()) => {
                self.process = Some(process);
                Ok(())
            }
            Err(log) => Err(log),
        }
    }
}

/// Three NATS servers that are one.
#[derive(Debug)]
pub struct NatsCluster {
    /// The servers.
    pub servers: Vec<Nats>,
}

impl NatsCluster {
    /// Starts three servers and waits until they have found each other and
    /// JetStream has a leader.
    #[must_use]
    pub fn start() -> Self {
        let routes: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let list: Vec<String> = routes
            .iter()
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .collect();
        let servers = routes
            .iter()
            .enumerate()
            .map(|(i, port)| {
                Nats::start_with(&format!(
                    "server_name: n{i}\ncluster {{ name: test, listen: 127.0.0.1:{port}, routes: [{}] }}",
                    list.join(", ")
                ))
            })
            .collect();
        let cluster = Self { servers };
        cluster.wait_for_leader();
        cluster
    }

    /// Every server, for a client that may use any.
    #[must_use]
    pub fn url(&self) -> String {
        let urls: Vec<&str> = self.servers.iter().map(Nats::url).collect();
        urls.join(",")
    }

    /// Which server leads JetStream.
    ///
    /// # Panics
    /// If none does.
    #[must_use]
    pub fn leader(&self) -> usize {
        let text = self.servers[0].monitor("/jsz");
        numbered(&text).expect("JetStream has a leader")
    }

    /// Which server leads a stream.
    ///
    /// # Panics
    /// If there is no such stream, or it has no leader.
    #[must_use]
    pub fn stream_leader(&self, stream: &str) -> usize {
        let text = self.servers[0].monitor("/jsz?streams=1");
        let (_, detail) = text
            .split_once(&format!("\"name\": \"{stream}\""))
            .expect("the stream is there");
        numbered(detail).expect("the stream has a leader")
    }

    /// Waits until the servers that run have a leader of JetStream and know of
    /// each other.
    ///
    /// # Panics
    /// If they don't within a minute.
    pub fn wait_for_leader(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let running: Vec<&Nats> = self
            .servers
            .iter()
            .filter(|server| server.is_running())
            .collect();
        let others = running.len() - 1;
        let settled = |server: &&Nats| {
            let jetstream = server.monitor("/jsz");
            let routes = server.monitor("/routez");
            jetstream.contains("\"leader\":")
                && routes
                    .matches("\"remote_name\":")
                    .count()
                    .max(routes.matches("\"remote_id\":").count())
                    >= others
        };
        while !running.iter().all(settled) {
            assert!(Instant::now() < deadline, "the cluster finds no leader");
            sleep(Duration::from_millis(20));
        }
    }
}

/// The number of the first server that is called a leader.
fn numbered(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("\"leader\": \"n")?;
    rest.split('"').next()?.parse().ok()
}

/// A small HTTP request, for a server that answers and closes.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}
