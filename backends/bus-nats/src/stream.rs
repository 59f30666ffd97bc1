//! The stream's configuration, made or compared.

use std::time::Duration;

use async_nats::jetstream::{
    Error, ErrorCode,
    context::{AccountErrorKind, Context, CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, Info, Republish, RetentionPolicy, StorageType},
};

use contract::BoxError;

use crate::{
    connect::ConnectError,
    settings::{History, Storage},
    subjects::Subjects,
};

/// How long a message's id is remembered: longer than this node tries to store
/// it, and longer than whoever was cut off takes to come back and repeat it.
/// The server has some 200 bytes in memory for each.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(300);

/// What servers say while they have no leader.
const LEADERLESS: ErrorCode = ErrorCode::CLUSTER_NOT_AVAILABLE;

/// Whether servers say that they don't have JetStream.
fn is_missing(answer: &Error) -> bool {
    let code = answer.error_code();
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}

fn wanted(subjects: &Subjects, history: History) -> Config {
    Config {
        name: subjects.stream(),
        description: Some("the last messages of every room".to_owned()),
        subjects: vec![subjects.all_inward(), subjects.epoch()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: i64::try_from(history.messages).unwrap_or(i64::MAX),
        max_age: history.age,
        storage: match history.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        num_replicas: history.replicas,
        duplicate_window: duplicate_window(history),
        republish: Some(Republish {
            source: subjects.all_inward(),
            destination: subjects.all_outward(),
            headers_only: false,
        }),
        ..Config::default()
    }
}

/// Not longer than the messages themselves, which the server would refuse.
fn duplicate_window(history: History) -> Duration {
    DUPLICATE_WINDOW.min(history.age)
}

/// A stream of an earlier version, or of somebody else's making, is used as it
/// is: what it is asked to do it does.
pub(crate) fn warn_of_short_memory(found: &Info, history: History) {
    let Config {
        name,
        duplicate_window: remembers,
        ..
    } = &found.config;
    if *remembers < duplicate_window(history) {
        tracing::warn!(
            stream = name,
            ?remembers,
            wanted = ?duplicate_window(history),
            "the stream soon forgets what was said: a message that is repeated later than that \
             is said twice; see `nats stream edit --dupe-window`"
        );
    }
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// Nobody answers: while servers agree on who leads, as they do when they
    /// have just started or the stream was just made.
    #[error("the stream does not answer")]
    Unanswered(#[source] BoxError),
    /// It will not be otherwise.
    #[error(transparent)]
    Refused(ConnectError),
}

/// Makes the stream if it isn't there, and refuses one that is another.
///
/// # Errors
/// [`StreamError`]
pub(crate) async fn ensure(
    context: &Context,
    servers: &str,
    subjects: &Subjects,
    history: History,
) -> Result<Info, StreamError> {
    let wanted = wanted(subjects, history);
    let name = wanted.name.clone();
    let stream = |source: BoxError| {
        StreamError::Refused(ConnectError::Stream {
            stream: name.clone(),
            source,
        })
    };
    let no_jetstream = |source: BoxError| {
        StreamError::Refused(ConnectError::NoJetStream {
            servers: servers.to_owned(),
            source,
        })
    };
    let unanswered = |source: BoxError| StreamError::Unanswered(source);
    let found = match context.get_stream(&name).await {
        Ok(found) => found.cached_info().clone(),
        Err(error) => {
            let GetStreamErrorKind::JetStream(answer) = error.kind() else {
                // Without JetStream nobody is there to answer.
                let account = context.query_account().await;
                return Err(match account.map_err(|error| error.kind()) {
                    Err(AccountErrorKind::JetStreamUnavailable) => no_jetstream(error.into()),
                    Err(AccountErrorKind::JetStream(answer)) if is_missing(&answer) => {
                        no_jetstream(error.into())
                    }
                    _ => unanswered(error.into()),
                });
            };
            match answer.error_code() {
                ErrorCode::STREAM_NOT_FOUND => {}
                _ if is_missing(&answer) => return Err(no_jetstream(error.into())),
                LEADERLESS => return Err(unanswered(error.into())),
                _ => return Err(stream(error.into())),
            }
            // Nodes that make it at the same time make the same.
            match context.create_stream(&wanted).await {
                Ok(created) => created.cached_info().clone(),
                Err(error) => match error.kind() {
                    CreateStreamErrorKind::JetStream(answer)
                        if answer.error_code() == ErrorCode::STREAM_NAME_EXIST =>
                    {
                        let found = context.get_stream(&name).await;
                        found
                            .map_err(|error| unanswered(error.into()))?
                            .cached_info()
                            .clone()
                    }
                    CreateStreamErrorKind::JetStreamUnavailable => {
                        return Err(no_jetstream(error.into()));
                    }
                    CreateStreamErrorKind::JetStream(answer)
                        if answer.error_code() == LEADERLESS =>
                    {
                        return Err(unanswered(error.into()));
                    }
                    CreateStreamErrorKind::TimedOut => return Err(unanswered(error.into())),
                    _ => return Err(stream(error.into())),
                },
            }
        }
    };
    let differences = differences(&found.config, &wanted);
    if differences.is_empty() {
        Ok(found)
    } else {
        Err(StreamError::Refused(ConnectError::StreamDiffers {
            stream: name,
            differences,
        }))
    }
}

/// Whatever makes a difference to the rooms. What an operator may add, such as
/// a bound in bytes, does not: the oldest messages go first.
fn differences(found: &Config, wanted: &Config) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, found: String, wanted: String| {
        if found != wanted {
            differences.push(format!("{what} is {found} there and {wanted} here"));
        }
    };
    compare(
        "messages per room (history)",
        found.max_messages_per_subject.to_string(),
        wanted.max_messages_per_subject.to_string(),
    );
    compare(
        "age (history_age)",
        format!("{:?}", found.max_age),
        format!("{:?}", wanted.max_age),
    );
    compare(
        "storage (history_storage)",
        format!("{:?}", found.storage),
        format!("{:?}", wanted.storage),
    );
    compare(
        "replicas (history_replicas)",
        found.num_replicas.to_string(),
        wanted.num_replicas.to_string(),
    );
    compare(
        "subjects",
        found.subjects.join(" "),
        wanted.subjects.join(" "),
    );
    compare(
        "retention",
        format!("{:?}", (found.retention, found.discard)),
        format!("{:?}", (wanted.retention, wanted.discard)),
    );
    compare("republish", republish(found), republish(wanted));
    differences
}

fn republish(config: &Config) -> String {
    config.republish.as_ref().map_or_else(
        || "nothing".to_owned(),
        |republish| format!("{} to {}", republish.source, republish.destination),
    )
}
