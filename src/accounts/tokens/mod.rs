//! Tokens: the access token (JWT, RFC 9068) and the refresh token (opaque).
//!
//! | file | what it holds |
//! |---|---|
//! | [`keys`] | `KeyRing`: what signs and what verifies; the JWK set |
//! | [`access`] | minting access tokens; their claims |
//! | [`verifier`] | `TokenVerifier`: the one check for HTTP and WebSocket |
//! | [`refresh`] | refresh tokens, derived from a session's row |
//! | [`ended`] | sessions that ended before their access tokens do |

pub mod access;
pub mod ended;
pub mod keys;
mod keys_dir;
pub mod refresh;
pub mod verifier;

pub use access::{AccessToken, Grant, TokenIssuer};
pub use ended::EndedSessions;
pub use keys::{KeyError, KeyRing};
pub use refresh::{RefreshToken, RefreshTokens};
pub use verifier::{TokenError, TokenVerifier};
