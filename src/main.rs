//! The command line.

mod cli;
mod commands;
mod healthcheck;
mod reachable;
mod welcome;

use std::{
    error::Error,
    fmt::Display,
    io::{self, Write},
    path::Path,
    pin::pin,
    process::ExitCode,
};

use clap::Parser;
use contract::Timestamp;
use service::{
    accounts::{self, passwords::PasswordService, tokens::KeyRing},
    assembly::password_settings,
    config::{Config, Loaded, Role, Sources},
    news::{self, EndReason},
    router,
    server::Server,
    telemetry,
    wiring::{self, Stores},
    ws::asyncapi,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use cli::{Arguments, Command, ConfigCommand, KeysCommand, UserCommand};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command();
    // The documents are the same whatever is configured.
    let document = match command {
        Command::Openapi => Some(router::document_json(&Role::ALL)),
        Command::Asyncapi => Some(asyncapi::document_json()),
        _ => None,
    };
    if let Some(document) = document {
        return done(document.map(|json| write(io::stdout(), json.trim_end())));
    }
    let loaded = match Config::load(&Sources::process(arguments.config)) {
        Ok(loaded) => loaded,
        Err(errors) => {
            write(io::stderr(), errors);
            return ExitCode::FAILURE;
        }
    };
    // It is asked every few seconds, and the service itself has said them.
    let warns = !matches!(command, Command::Healthcheck { .. });
    for warning in loaded.warnings.iter().filter(|_| warns) {
        write(io::stderr(), format_args!("warning: {warning}"));
    }
    match command {
        Command::Serve => done(serve(&loaded)),
        Command::Healthcheck { live } => done(healthcheck(&loaded, live)),
        Command::Config(ConfigCommand::Check) => {
            write(io::stdout(), "ok");
            ExitCode::SUCCESS
        }
        Command::Config(ConfigCommand::Show) => {
            write(io::stdout(), loaded.show().to_string().trim_end());
            ExitCode::SUCCESS
        }
        Command::Keys(KeysCommand::New) => done(new_key(&loaded.config.tokens.key_dir)),
        Command::User(UserCommand::Migrate(arguments)) => {
            done(on_accounts(&loaded, async |stores, passwords| {
                commands::legacy::migrate(stores, passwords, &arguments).await
            }))
        }
        Command::User(UserCommand::Import(arguments)) => {
            done(on_accounts(&loaded, async |stores, passwords| {
                commands::legacy::import(stores, passwords, &arguments).await
            }))
        }
        Command::User(UserCommand::Disable { username }) => done(disable(&loaded, &username)),
        Command::Openapi | Command::Asyncapi => ExitCode::SUCCESS,
    }
}

fn serve(loaded: &Loaded) -> Result<(), Box<dyn Error>> {
    telemetry::start(&loaded.config.log)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        // Before anything listens: a signal that comes now must not be lost.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut stop = pin!(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        let bound = tokio::select! {
            bound = Server::bind(&loaded.config) => bound,
            // What a start waits for, such as another node that migrates, may
            // take longer than a supervisor does.
            () = &mut stop => return Ok(()),
        };
        let server = match bound {
            Ok(server) => server,
            Err(error) => return Err(about(loaded, error.setting(), error)),
        };
        write(io::stdout(), welcome::text(loaded, server.local_addr()));
        server.run(stop).await;
        Ok(())
    });
    // Dropped, it would wait for calls that nothing can stop, such as the
    // system's look-up of a name, whatever deadline has come.
    runtime.shutdown_background();
    served
}

fn healthcheck(loaded: &Loaded, live: bool) -> Result<(), Box<dyn Error>> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(healthcheck::ask(loaded.config.http.bind, live))
        .map_err(|error| about(loaded, Some("http.bind"), error))?;
    write(io::stdout(), "ok");
    Ok(())
}

/// A setting that can't be followed, and where it was set.
#[derive(Debug, thiserror::Error)]
#[error("{setting} (from {origin})")]
struct BadSetting {
    setting: &'static str,
    origin: String,
    #[source]
    source: Box<dyn Error>,
}

fn about(
    loaded: &Loaded,
    setting: Option<&'static str>,
    error: impl Into<Box<dyn Error>>,
) -> Box<dyn Error> {
    let source = error.into();
    match setting {
        Some(setting) => Box::new(BadSetting {
            setting,
            origin: loaded.source_of(setting),
            source,
        }),
        None => source,
    }
}

/// Where accounts are.
async fn open_stores(loaded: &Loaded) -> Result<Stores, Box<dyn Error>> {
    match wiring::open_stores(&loaded.config).await {
        Ok(Some(stores)) => Ok(stores),
        Ok(None) => Err(
            "roles: auth is not among them, so there are no accounts here; use the \
             configuration of an auth node"
                .into(),
        ),
        Err(error) => Err(about(loaded, Some(error.setting()), error)),
    }
}

/// Does something with accounts and passwords.
fn on_accounts(
    loaded: &Loaded,
    work: impl AsyncFnOnce(&Stores, &PasswordService) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let stores = open_stores(loaded).await?;
            let passwords = PasswordService::start(password_settings(&loaded.config))?;
            work(&stores, &passwords).await
        })
}

fn disable(loaded: &Loaded, username: &str) -> Result<(), Box<dyn Error>> {
    let config = &loaded.config;
    let disabling = async {
        let stores = open_stores(loaded).await?;
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
        let ended = accounts::disable::disable(&*stores.credentials, username, now).await?;
        // Only then: whoever has to be kept out is out, whatever the bus does.
        match wiring::open_bus(config).await {
            Ok(bus) => news::announce_ended(&*bus, &ended, EndReason::Disabled, now).await,
            Err(error) => {
                let error = about(loaded, Some(error.setting()), error);
                write(
                    io::stderr(),
                    format_args!(
                        "warning: the nodes were not told, and find out by themselves: {error}"
                    ),
                );
            }
        }
        Ok::<_, Box<dyn Error>>(ended.len())
    };
    let ended = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(disabling)?;
    write(
        io::stdout(),
        format_args!("disabled; {ended} sessions ended"),
    );
    Ok(())
}

fn new_key(dir: &Path) -> Result<(), Box<dyn Error>> {
    let path = KeyRing::make_in_dir(dir, Timestamp::now())?;
    write(io::stdout(), path.display());
    Ok(())
}

fn done<E: Into<Box<dyn Error>>>(result: Result<(), E>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let error = error.into();
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        let words = source.to_string();
        // Some errors say what their cause says.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = source.source();
    }
    // A server's message may have several lines.
    write(io::stderr(), text.lines().collect::<Vec<_>>().join(", "));
    ExitCode::FAILURE
}

/// Prints a line. A reader that has gone, as in `show | head`, is no error.
fn write(mut to: impl Write, line: impl Display) {
    let _ = writeln!(to, "{line}");
}
