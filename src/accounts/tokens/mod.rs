//! Tokens: the access token (JWT, RFC 9068) and the refresh token (opaque).
//!
//! | file | what it holds |
//! |---|---|
//! | [`keys`] | `KeyRing`: what signs; the JWK set that is served |
//! | `keys_dir` | keys in a folder |
//! | [`key_files`] | the same, as operators see it: list, and retire |
//! | [`exposure`] | who but its owner can read or change a file of keys |
//! | [`folder_keys`] | keys that come into the folder while a node runs |
//! | [`verification`] | `VerificationKeys`: what verifies, and can be replaced |
//! | [`jwks`] | `VerificationKeys` out of the JWK set of others |
//! | [`access`] | minting access tokens; their claims |
//! | [`claims`] | the claims of one's own: the place to add one |
//! | [`extra_claims`] | what makes a struct of them |
//! | [`verifier`] | `TokenVerifier`: the one check for HTTP and WebSocket |
//! | [`refresh`] | refresh tokens, derived from a session's row |
//! | [`ended`] | sessions that ended before their access tokens do |

pub mod access;
pub mod claims;
pub mod ended;
pub mod exposure;
pub mod extra_claims;
pub mod folder_keys;
pub mod jwks;
pub mod key_files;
pub mod keys;
mod keys_dir;
pub mod refresh;
pub mod verification;
pub mod verifier;

use extra_claims::extra_claims;

pub use access::{AccessToken, Grant, IssueError, RoomAccess, TokenIssuer};
pub use claims::ExtraClaims;
pub use ended::EndedSessions;
pub use exposure::Exposure;
pub use folder_keys::FolderKeys;
pub use jwks::{Jwks, JwksError};
pub use key_files::{KeyFile, RetireError};
pub use keys::{KeyError, KeyRing};
pub use refresh::{RefreshToken, RefreshTokens};
pub use verification::{KeySet, KeySource, VerificationKeys};
pub use verifier::{TokenError, TokenVerifier};
