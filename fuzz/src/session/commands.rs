//! What a client of `rooms.v1` says: commands, nearly commands, and anything.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

/// More rooms than a socket may sit in.
const ROOMS: u8 = 120;

/// The name of a room.
pub fn room(number: u8) -> String {
    format!("r{}", number % ROOMS)
}

/// A text message.
#[derive(Debug)]
pub struct Said {
    /// The text, if it is one.
    pub text: Vec<u8>,
    /// What it was made of, if it was not spoilt afterwards.
    pub command: Option<Value>,
}

impl Said {
    /// Asks for a seat.
    pub fn join() -> Self {
        Self::command(json!({"type": "join", "id": "join", "token": "t"}))
    }

    fn command(command: Value) -> Self {
        Self {
            text: command.to_string().into_bytes(),
            command: Some(command),
        }
    }

    /// Anything.
    ///
    /// # Errors
    /// The input's end.
    pub fn bytes(input: &mut Unstructured<'_>) -> Result<Self> {
        let length = usize::from(input.arbitrary::<u8>()?).min(input.len());
        Ok(Self {
            text: input.bytes(length)?.to_vec(),
            command: None,
        })
    }

    /// Something that the input says.
    ///
    /// # Errors
    /// The input's end.
    pub fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        if input.ratio(1, 8)? {
            return Self::bytes(input);
        }
        let mut said = Self::command(command(input)?);
        if input.ratio(1, 8)? {
            spoil(&mut said.text, input)?;
            said.command = None;
        }
        Ok(said)
    }
}

fn command(input: &mut Unstructured<'_>) -> Result<Value> {
    const TYPES: &[&str] = &[
        "publish", "join", "leave", "auth", "presence", "ping", "shout",
    ];
    const FIELDS: &[&str] = &[
        "id", "room", "data", "encoding", "key", "token", "since", "type", "new",
    ];
    let kind = *input.choose(TYPES)?;
    let mut command = json!({"type": kind});
    let needs: &[&str] = match kind {
        "publish" => &["room", "data"],
        "join" | "auth" => &["token"],
        "leave" | "presence" => &["room"],
        _ => &[],
    };
    for field in needs {
        command[field] = usual(field, input)?;
    }
    // Most commands have a name, and few have something odd.
    if input.ratio(3, 4)? {
        command["id"] = usual("id", input)?;
    }
    for _ in 0..(input.arbitrary::<u8>()? % 8).saturating_sub(4) {
        let field = *input.choose(FIELDS)?;
        command[field] = match input.ratio(1, 3)? {
            true => anything(input)?,
            false => usual(field, input)?,
        };
    }
    Ok(command)
}

/// What is usual for a field.
fn usual(field: &str, input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match field {
        "id" | "key" => match input.arbitrary::<u8>()? {
            long @ 200.. => "x".repeat(usize::from(long) - 140).into(),
            short => short.to_string().into(),
        },
        "room" => room(input.arbitrary()?).into(),
        "encoding" => "base64".into(),
        "since" => format!(
            "{:016x}:{}",
            input.arbitrary::<u64>()?,
            input.arbitrary::<u64>()?
        )
        .into(),
        "data" => anything(input)?,
        _ => text(input)?.into(),
    })
}

fn anything(input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match input.arbitrary::<u8>()? % 8 {
        0 => Value::Null,
        1 => input.arbitrary::<bool>()?.into(),
        2 => input.arbitrary::<i64>()?.into(),
        3 => "AP+A".into(),
        4 => json!([text(input)?]),
        5 => json!({text(input)?: null}),
        6 => "x"
            .repeat(usize::from(input.arbitrary::<u16>()? % 2048))
            .into(),
        _ => text(input)?.into(),
    })
}

/// Not a long one.
fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let length = usize::from(input.arbitrary::<u8>()? % 32).min(input.len());
    Ok(String::from_utf8_lossy(input.bytes(length)?).into_owned())
}

fn spoil(text: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    let at = input.choose_index(text.len())?;
    match input.arbitrary::<u8>()? % 3 {
        0 => text.truncate(at),
        1 => text[at] = input.arbitrary()?,
        _ => {
            let end = input.int_in_range(at..=text.len())?;
            let again = text[at..end].to_vec();
            text.splice(at..at, again);
        }
    }
    Ok(())
}
