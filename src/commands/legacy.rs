//! `user migrate` and `user import`: accounts of another application.
//!
//! What became of whom goes to standard output, a line each; how far it is, to
//! standard error.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use contract::DropSalt;
use indicatif::{ProgressBar, ProgressStyle};
use service::{
    accounts::{
        legacy::{
            canary::Canaries,
            description::Description,
            import::{Import, Imported},
            take_over::{Mode, Outcome as RowOutcome, TakingOver},
        },
        passwords::PasswordService,
    },
    clock::now,
    wiring::Stores,
};

use super::Outcome;
use crate::write;

/// Arguments of `user migrate`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct MigrateArguments {
    /// File that describes the table: its name, its columns, how digests were made
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// JSON Lines with `username` and `password` of people whose password is
    /// known; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "without_canaries"
    )]
    canaries: Option<PathBuf>,
    /// Begin although nobody shows that the description, or a recipe in it, is right
    #[arg(long)]
    without_canaries: bool,
    /// Only say what would become of each row
    #[arg(long, conflicts_with_all = ["set_aside", "drop_salt"])]
    dry_run: bool,
    /// Wipe digest and salt of rows that can't be taken over; where the name is
    /// one, an account keeps it that needs a new password
    #[arg(long)]
    set_aside: bool,
    /// Drop the salt's column when no row is left
    #[arg(long)]
    drop_salt: bool,
}

/// Arguments of `user import`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ImportArguments {
    /// JSON Lines, an account each; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only say what is wrong with them
    #[arg(long)]
    dry_run: bool,
}

/// What came of it.
pub(super) struct Imports {
    /// Accounts that were made.
    pub(super) accounts: u64,
    /// Whether that is all.
    pub(super) end: Outcome,
}

/// Takes over a table of another application.
pub(super) async fn migrate(
    stores: &Stores,
    passwords: &PasswordService,
    arguments: &MigrateArguments,
) -> Imports {
    let mut accounts = 0;
    let end = take_over(stores, passwords, arguments, &mut accounts).await;
    Imports { accounts, end }
}

/// Imports accounts from lines of JSON.
pub(super) async fn import(
    stores: &Stores,
    passwords: &PasswordService,
    arguments: &ImportArguments,
) -> Imports {
    let mut accounts = 0;
    let end = read_lines(stores, passwords, arguments, &mut accounts).await;
    Imports { accounts, end }
}

async fn take_over(
    stores: &Stores,
    passwords: &PasswordService,
    arguments: &MigrateArguments,
    accounts: &mut u64,
) -> Outcome {
    let description = Description::read(&arguments.table)?;
    let mut canaries = match &arguments.canaries {
        Some(path) => read_canaries(path)?,
        None => Canaries::default(),
    };
    let store = stores
        .legacy
        .clone()
        .ok_or("this store has no tables of other applications; `user import` takes a file")?;
    let begin = || TakingOver::new(store.clone(), passwords.clone(), description.clone());

    let mut survey = begin();
    let (mut readable, mut refused) = (0_u64, 0_u64);
    loop {
        let rows = survey.rows().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            canaries.look_at(row, &description);
        }
        for outcome in survey.take(&rows, Mode::DryRun, now()).await? {
            match outcome {
                RowOutcome::Taken => readable += 1,
                RowOutcome::Refused(row) | RowOutcome::SetAside(row) => {
                    refused += 1;
                    if arguments.dry_run {
                        say(format_args!("row {}: {}", row.key, row.reason));
                    }
                }
            }
        }
    }
    canaries.sign_in(&*stores.credentials, passwords).await?;
    all_right(&canaries)?;
    let before = survey.count().await?;
    // Later, those who showed it are accounts already.
    if before.taken + before.set_aside == 0 && !arguments.without_canaries {
        all_shown(&canaries)?;
    }
    tell(format_args!(
        "{readable} rows can be taken over, {refused} can't; {} were before, and {} set aside",
        before.taken, before.set_aside
    ));
    if arguments.dry_run {
        return Ok(());
    }

    let mode = match arguments.set_aside {
        true => Mode::TakeOverOrSetAside,
        false => Mode::TakeOver,
    };
    let mut taking = begin();
    let progress = progress(Some(before.left));
    loop {
        let rows = taking.rows().await?;
        if rows.is_empty() {
            break;
        }
        // In steps, so that the bar moves.
        for rows in rows.chunks(STEP) {
            for outcome in taking.take(rows, mode, now()).await? {
                match outcome {
                    RowOutcome::Taken => *accounts += 1,
                    RowOutcome::Refused(row) => {
                        progress.suspend(|| say(format_args!("row {}: {}", row.key, row.reason)));
                    }
                    RowOutcome::SetAside(row) => progress.suspend(|| {
                        say(format_args!("row {}: {}; set aside", row.key, row.reason));
                    }),
                }
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    canaries.sign_in(&*stores.credentials, passwords).await?;
    all_right(&canaries)?;
    let after = taking.count().await?;
    tell(format_args!(
        "{} rows are taken over, {} set aside, {} left",
        after.taken, after.set_aside, after.left
    ));
    if arguments.drop_salt {
        match taking.drop_salt().await? {
            DropSalt::Dropped => tell("the salt's column is gone"),
            DropSalt::Left(left) => {
                return Err(format!(
                    "{left} rows are left, so the salt's column stays: mend them, or `--set-aside`"
                )
                .into());
            }
        }
    }
    match after.left {
        0 => Ok(()),
        left => Err(format!("{left} rows are left: mend them, or `--set-aside`").into()),
    }
}

async fn read_lines(
    stores: &Stores,
    passwords: &PasswordService,
    arguments: &ImportArguments,
    accounts: &mut u64,
) -> Outcome {
    let source = open(&arguments.file)?;
    let (mut made, mut there, mut refused) = (0_u64, 0_u64, 0_u64);
    let progress = progress(None);
    for (i, line) in BufReader::new(source).lines().enumerate() {
        let line = zeroize::Zeroizing::new(line?);
        if line.trim().is_empty() {
            continue;
        }
        progress.inc(1);
        let import = match Import::parse(&line) {
            Ok(import) => import,
            Err(reason) => {
                refused += 1;
                progress.suspend(|| say(format_args!("line {}: {reason}", i + 1)));
                continue;
            }
        };
        if arguments.dry_run {
            made += 1;
            continue;
        }
        match import.make(&*stores.credentials, passwords, now()).await? {
            Imported::Made => {
                made += 1;
                *accounts += 1;
            }
            Imported::There => there += 1,
            Imported::NameTaken => {
                refused += 1;
                progress.suspend(|| {
                    say(format_args!("line {}: its username is taken", i + 1));
                });
            }
        }
    }
    progress.finish_and_clear();
    let verb = if arguments.dry_run { "can be" } else { "are" };
    tell(format_args!(
        "{made} accounts {verb} imported, {there} were before, {refused} lines refused"
    ));
    if refused > 0 {
        return Err(format!("{refused} lines were refused").into());
    }
    Ok(())
}

/// Rows that are taken over between two steps of the bar.
const STEP: usize = 16;

/// How far it is, on a terminal; nothing elsewhere.
fn progress(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{wide_bar} {human_pos}/{human_len}, {eta} left",
        ),
        None => (ProgressBar::no_length(), "{human_pos} lines"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn all_right(canaries: &Canaries) -> Outcome {
    let failures: Vec<String> = canaries.failures().map(|f| f.to_string()).collect();
    match failures.as_slice() {
        [] => Ok(()),
        failures => Err(failures.join("; ").into()),
    }
}

/// Rows of a wrong recipe would be locked out for good: their digests are wiped.
fn all_shown(canaries: &Canaries) -> Outcome {
    let unshown: Vec<String> = canaries.unshown().map(|name| format!("`{name}`")).collect();
    match unshown.as_slice() {
        [] => Ok(()),
        recipes => Err(format!(
            "recipe {}: no canary shows that it is right; add somebody of it, or say \
             --without-canaries",
            recipes.join(", ")
        )
        .into()),
    }
}

fn read_canaries(path: &Path) -> Outcome<Canaries> {
    let mut text = zeroize::Zeroizing::new(String::new());
    open(path)?.read_to_string(&mut text)?;
    let canaries = Canaries::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    if canaries.is_empty() {
        return Err(format!("{}: there is nobody in it", path.display()).into());
    }
    Ok(canaries)
}

fn open(path: &Path) -> Outcome<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(format!("can't read `{}`: {error}", path.display()).into()),
    }
}

fn say(line: impl std::fmt::Display) {
    write(io::stdout(), line);
}

fn tell(line: impl std::fmt::Display) {
    write(io::stderr(), line);
}
