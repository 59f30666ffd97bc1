//! CPU of the check of one token, by itself: the service's own verifier, with
//! its key at hand, and no network.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::service::accounts::tokens::{EndedSessions, KeyRing, TokenVerifier};
use jiff::Timestamp;

use crate::harness::process::{Guarded, cpu};
use crate::harness::tokens::{ISSUER, Mint, Signer};
use crate::harness::{Outcome, roles};

/// The role, for `main`.
pub(crate) const ROLE: &str = "verify";
/// Different tokens, one after the other, again and again.
const TOKENS: usize = 500;
/// How long.
const TIME: Duration = Duration::from_millis(300);

/// Microseconds of CPU for one token, measured in a process of its own.
pub(crate) fn cost(signer: &Signer) -> Outcome<f64> {
    let mut command = roles::command(ROLE, &serde_json::to_string(signer)?)?;
    let mut process = Guarded::spawn(command.stdout(Stdio::piped()))?;
    if !process.wait(Duration::from_secs(30)) {
        return Err("the checks of tokens did not end in time".into());
    }
    let out = process.child().stdout.take().ok_or("stdout is piped")?;
    Ok(std::io::read_to_string(out)?.trim().parse()?)
}

/// The role: prints the microseconds.
pub(crate) fn run(argument: &str) -> Outcome<()> {
    let signer: Signer = serde_json::from_str(argument)?;
    let ring = match &signer {
        Signer::Secret(secret) => KeyRing::from_secret(&secret.clone().into())?,
        Signer::Folder(folder) => KeyRing::from_dir(folder)?,
    };
    let ended = Arc::new(EndedSessions::new(Duration::from_secs(600)));
    let keys = Arc::clone(ring.verification());
    let verifier = TokenVerifier::new(keys, ISSUER, ISSUER, Duration::from_secs(5), ended);
    let mint = Mint::new(&signer)?;
    let tokens = (0..TOKENS)
        .map(|_| mint.token("bench-0"))
        .collect::<Outcome<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let each = runtime.block_on(async {
        let (start, before) = (Instant::now(), cpu(std::process::id())?);
        let mut verified = 0_u32;
        while start.elapsed() < TIME {
            for token in &tokens {
                verifier.verify(token, Timestamp::now()).await?;
                verified += 1;
            }
        }
        let used = cpu(std::process::id())?.saturating_sub(before);
        Outcome::Ok(used.as_secs_f64() * 1e6 / f64::from(verified))
    })?;
    println!("{each}");
    Ok(())
}
