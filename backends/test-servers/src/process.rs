//! A server that ends with whoever started it, however that ends.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use uuid::Uuid;

/// Longest that a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the server, says its process id, and waits for its own input to end,
/// which happens when the starter does. Then it stops the server and removes
/// its folder, unless it was told to keep it.
const KEEPER: &str = r#"
    folder=$1 signal=$2; shift 2
    "$@" >>"$folder/log" 2>&1 &
    server=$!
    echo "$server"
    read -r word
    kill -"$signal" "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    [ "$word" = keep ] || rm -rf "$folder"
"#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Process {
    keeper: Child,
    pid: Pid,
}

impl Process {
    /// Runs `command`, whose output goes to `log` in `folder`; `stop` is the
    /// signal that ends it.
    pub(crate) fn start(folder: &Path, stop: &str, command: &Command) -> Self {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder)
            .arg(stop)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        Self {
            keeper,
            pid: pid.expect("the keeper says the server's process id"),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        test_kill_process(self.pid).is_ok() && !self.is_zombie()
    }

    /// It has ended, and its keeper still waits for a word of its own starter.
    fn is_zombie(&self) -> bool {
        let stat = format!("/proc/{}/stat", self.pid.as_raw_nonzero());
        fs::read_to_string(stat).is_ok_and(|stat| {
            let state = stat.rsplit(')').next();
            state.is_some_and(|state| state.trim_start().starts_with('Z'))
        })
    }

    /// Ends it as a crash does, and leaves its folder.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.end("keep\n");
    }

    /// Ends it in order, and leaves its folder.
    pub(crate) fn stop(mut self) {
        self.end("keep\n");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    fn end(&mut self, word: &str) {
        if let Some(mut input) = self.keeper.stdin.take() {
            let _ = input.write_all(word.as_bytes());
        }
        let _ = self.keeper.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A paused server would never end.
        let _ = kill_process(self.pid, Signal::CONT);
        self.end("");
    }
}

/// A program of a Debian package; without it, the test fails and says how to
/// install it.
pub(crate) fn program(name: &str, package: &str, more_places: &[PathBuf]) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/bin".into()])
        .chain(more_places.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not installed; install it with: apt-get install -y {package}")
        })
}

/// Ports that the kernel gives nobody by itself: any connection could have taken
/// one of those before the server does that it was chosen for.
const OURS: Range<u128> = 20_000..32_000;

/// A port of the loopback interface that nobody listens on.
pub(crate) fn free_port() -> u16 {
    std::iter::repeat_with(|| OURS.start + Uuid::new_v4().as_u128() % (OURS.end - OURS.start))
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("there is no end of them")
}

/// Waits until `ready`, while the server runs; what it said otherwise.
pub(crate) fn wait_until(
    process: &Process,
    folder: &Path,
    mut ready: impl FnMut() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        if !process.is_running() || Instant::now() > deadline {
            return Err(fs::read_to_string(folder.join("log")).unwrap_or_default());
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A folder that the server's keeper removes.
pub(crate) fn folder(name: &str) -> PathBuf {
    tempfile::Builder::new()
        .prefix(&format!("{name}-"))
        .tempdir()
        .expect("a temporary folder can be made")
        .keep()
}
