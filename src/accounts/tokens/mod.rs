//! Tokens: the access token (JWT, RFC 9068) and the refresh token (opaque).
//!
//! | file | what it holds |
//! |---|---|
//! | [`keys`] | `KeyRing`: what signs; the JWK set that is served |
//! | `keys_dir` | keys in a folder |
//! | [`verification`] | `VerificationKeys`: what verifies, and can be replaced |
//! | [`jwks`] | `VerificationKeys` out of the JWK set of others |
//! | [`access`] | minting access tokens; their claims |
//! | [`verifier`] | `TokenVerifier`: the one check for HTTP and WebSocket |
//! | [`refresh`] | refresh tokens, derived from a session's row |
//! | [`ended`] | sessions that ended before their access tokens do |

pub mod access;
pub mod ended;
pub mod jwks;
pub mod keys;
mod keys_dir;
pub mod refresh;
pub mod verification;
pub mod verifier;

pub use access::{AccessToken, Grant, RoomAccess, TokenIssuer};
pub use ended::EndedSessions;
pub use jwks::{Jwks, JwksError};
pub use keys::{KeyError, KeyRing};
pub use refresh::{RefreshToken, RefreshTokens};
pub use verification::{KeySet, KeySource, VerificationKeys};
pub use verifier::{TokenError, TokenVerifier};
