//! Accounts of another application, without anybody's password.
//!
//! | file | what it holds |
//! |---|---|
//! | [`description`] | the table, and how its digests were made, as a file says it |
//! | [`row`] | a row becomes a digest and how it was made, or a reason why not |
//! | [`take_over`] | row after row becomes an account |
//! | [`canary`] | people whose password is known, who show that all is right |
//! | [`import`] | lines of JSON become accounts |

pub mod canary;
pub mod description;
pub mod import;
pub mod row;
pub mod take_over;
