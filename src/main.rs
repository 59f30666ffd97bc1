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
    pin::pin,
    process::ExitCode,
};

use clap::Parser;
use service::{
    config::{Config, Loaded, Role, Sources},
    router,
    server::Server,
    telemetry,
    ws::asyncapi,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use cli::{Arguments, Command, ConfigCommand};

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
        Command::Keys(command) => done(commands::keys(&loaded, command)),
        Command::User(command) => done(commands::user(&loaded, command)),
        Command::Audit(command) => done(commands::audit(&loaded, command)),
        Command::Openapi | Command::Asyncapi => ExitCode::SUCCESS,
    }
}

fn serve(loaded: &Loaded) -> Result<(), Box<dyn Error>> {
    telemetry::logs::start(&loaded.config.log)?;
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
