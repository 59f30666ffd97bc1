//! What makes the claims of one's own: a struct of them, none of which takes
//! the place of a claim that the service needs.

/// Claims that mean something to the service, or to whoever else reads a JWT
/// (RFC 7519, RFC 9068).
pub const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "room",
    "grant",
    "presence",
    "client_id",
    "auth_time",
    "acr",
    "amr",
    "scope",
    "roles",
    "groups",
    "entitlements",
];

/// Refuses, when the service is compiled, names that are [`RESERVED`]:
///
/// ```
/// use service::accounts::tokens::extra_claims::refuse_reserved;
///
/// const _: () = refuse_reserved(&["plan"]);
/// ```
///
/// ```compile_fail
/// use service::accounts::tokens::extra_claims::refuse_reserved;
///
/// const _: () = refuse_reserved(&["plan", "sub"]);
/// ```
///
/// # Panics
/// If one of them is.
pub const fn refuse_reserved(names: &[&str]) {
    let mut name = 0;
    while name < names.len() {
        let mut reserved = 0;
        while reserved < RESERVED.len() {
            assert!(
                !is_same(names[name].as_bytes(), RESERVED[reserved].as_bytes()),
                "a claim of one's own has the name of one that the service needs"
            );
            reserved += 1;
        }
        name += 1;
    }
}

/// Whether a field is the claim: `r#sub` is `sub` in a token.
const fn is_same(field: &[u8], claim: &[u8]) -> bool {
    let name = match field {
        [b'r', b'#', name @ ..] => name,
        name => name,
    };
    if name.len() != claim.len() {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if name[at] != claim[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Makes `ExtraClaims` of documented fields: each is a claim of its name. An
/// `Option` may be missing in a token, which those from before it was added are.
macro_rules! extra_claims {
    ($( $(#[doc = $doc:literal])+ $name:ident: $type:ty, )*) => {
        /// The claims of one's own in every access token.
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct ExtraClaims {
            $( $(#[doc = $doc])+ pub $name: $type, )*
        }

        const _: () = $crate::accounts::tokens::extra_claims::refuse_reserved(
            &[$( stringify!($name) ),*],
        );
    };
}
pub(super) use extra_claims;

#[cfg(test)]
mod tests {
    use super::refuse_reserved;

    #[test]
    fn names_that_mean_nothing_yet_are_free() {
        refuse_reserved(&[]);
        refuse_reserved(&["plan", "tenant", "subject", "r#type", "Sub"]);
    }

    #[test]
    #[should_panic(expected = "one that the service needs")]
    fn a_raw_name_is_no_way_around() {
        refuse_reserved(&["plan", "r#sub"]);
    }
}
