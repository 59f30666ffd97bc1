//! Accounts and sessions in one SQLite file.
