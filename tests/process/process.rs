//! The binary as its own process, in a place of its own, with a cleared
//! environment; killed by its own id when the test ends.

use std::{
    io::{BufRead, BufReader, Read, Seek, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};
use test_servers::Place;

pub const PASSWORD: &str = "plum-tractor-91-violin";

pub const SOON: Duration = Duration::from_secs(60);

pub struct Process {
    child: Child,
    pub address: String,
    pub place: Arc<Place>,
    welcome: Arc<Mutex<String>>,
    log: Option<JoinHandle<String>>,
    client: reqwest::Client,
}

pub const BINARY: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// What the configuration file in the working folder is called.
pub const FILE: &str = concat!(env!("CARGO_PKG_NAME"), ".toml");

/// The binary with nothing of the caller's environment.
pub fn command(place: &Place, variables: &[(&str, &str)]) -> Command {
    let own = place.variables();
    let own: Vec<_> = own.iter().map(|(name, value)| (*name, &**value)).collect();
    let variables = [&own, variables].concat();
    with_nothing_else(Command::new(BINARY), place.path(), &variables)
}

/// The binary with nothing but these variables.
pub fn bare_command(folder: &Path, variables: &[(&str, &str)]) -> Command {
    with_nothing_else(Command::new(BINARY), folder, variables)
}

fn with_nothing_else(mut command: Command, dir: &Path, variables: &[(&str, &str)]) -> Command {
    command.current_dir(dir).env_clear().stdin(Stdio::null());
    for (name, value) in variables {
        command.env(name, value);
    }
    command
}

/// Runs the binary to its end, with nothing but these variables.
pub fn bare_output(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    ended(bare_command(folder, variables).args(arguments))
}

/// Runs the binary to its end. One that takes what it should refuse would
/// serve for ever: it is killed.
pub fn output(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    ended(command(place, variables).args(arguments))
}

/// The same, with something to read on standard input.
pub fn told(place: &Place, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input.as_bytes()).unwrap();
    file.rewind().unwrap();
    ended(command(place, variables).args(arguments).stdin(file))
}

fn ended(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = rustix::process::Pid::from_child(&child);
    let (ended, end) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if end.recv_timeout(SOON) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watch.join().unwrap();
    output
}

impl Process {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_at(Arc::new(Place::new()), variables)
    }

    pub fn start_at(place: Arc<Place>, variables: &[(&str, &str)]) -> Self {
        let command = command(&place, variables);
        Self::run(command, place)
    }

    /// Starts the binary with nothing but these variables.
    pub fn bare(place: Arc<Place>, variables: &[(&str, &str)]) -> Self {
        let command = bare_command(place.path(), variables);
        Self::run(command, place)
    }

    /// Starts a command, which runs the binary in this place.
    pub fn run(mut command: Command, place: Arc<Place>) -> Self {
        // A test is one address, with many users.
        let mut child = command
            .env("APP__LIMITS__LOGINS_PER_MINUTE", "0")
            .env("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "0")
            .env("APP__LIMITS__REFRESHES_PER_MINUTE", "0")
            .env("APP__LIMITS__CONNECTS_PER_MINUTE", "0")
            .env("GATEWAY_BIND_ADDR", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let welcome = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let printed = Arc::clone(&welcome);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix("listening on http://") {
                    let address = rest.split_whitespace().next().unwrap_or_default();
                    let _ = found.send(address.to_owned());
                }
                let mut printed = printed.lock().unwrap();
                printed.push_str(&line);
                printed.push('\n');
            }
        });
        let Ok(address) = address.recv_timeout(SOON) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("did not start: {}", log.join().unwrap());
        };
        // For this machine, so without its certificates.
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self {
            child,
            address,
            place,
            welcome,
            log: Some(log),
            client,
        }
    }

    /// What it has printed, once that is complete.
    pub async fn whole_welcome(&self) -> String {
        let complete = async {
            while !self.welcome.lock().unwrap().contains("/openapi.json") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, complete).await.unwrap();
        self.welcome.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for the end; the exit code, if it was not killed, and the log.
    pub fn wait(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        (status.code(), self.log.take().unwrap().join().unwrap())
    }

    pub async fn post(&self, path: &str, body: Value) -> reqwest::Result<(u16, Value)> {
        let url = format!("http://{}{path}", self.address);
        answer(self.client.post(url), body).await
    }

    /// The same, with an access token.
    pub async fn post_as(
        &self,
        token: &str,
        path: &str,
        body: Value,
    ) -> reqwest::Result<(u16, Value)> {
        let url = format!("http://{}{path}", self.address);
        answer(self.client.post(url).bearer_auth(token), body).await
    }

    pub async fn credentials(&self, path: &str, username: &str) -> reqwest::Result<(u16, Value)> {
        self.post(path, json!({"username": username, "password": PASSWORD}))
            .await
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<u16> {
        let url = format!("http://{}{path}", self.address);
        Ok(self
            .client
            .get(url)
            .timeout(SOON)
            .send()
            .await?
            .status()
            .as_u16())
    }
}

async fn answer(request: reqwest::RequestBuilder, body: Value) -> reqwest::Result<(u16, Value)> {
    let response = request.timeout(SOON).json(&body).send().await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or(Value::Null)))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
