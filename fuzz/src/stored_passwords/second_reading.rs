//! What a stored hash says: the PHC string format as this service takes it, the
//! envelope around it, and bcrypt's form, read piece by piece.

use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD_NO_PAD},
};

/// How much work a hash of Argon2 is, and whether it is Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Argon2 {
    pub(super) is_id: bool,
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
}

/// How another application made its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) bits: u32,
    pub(super) salt_first: bool,
    pub(super) salt: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Argon2(Argon2),
    Wrapped(Digest, Argon2),
    Bcrypt { cost: usize },
}

/// A hash that can be verified.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hash {
    pub(super) scheme: Scheme,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl Hash {
    pub(super) fn argon2(&self) -> Option<Argon2> {
        match &self.scheme {
            Scheme::Argon2(argon2) | Scheme::Wrapped(_, argon2) => Some(*argon2),
            Scheme::Bcrypt { .. } => None,
        }
    }
}

/// Reads a stored hash; `None` if it can't be verified.
pub(super) fn read(text: &str) -> Option<Hash> {
    if text.len() > 255 {
        return None;
    }
    if let Some(rest) = text.strip_prefix("$legacy$") {
        let (made, _) = rest.split_once('$')?;
        let phc = phc(&rest[made.len()..])?;
        return match phc.scheme {
            Scheme::Argon2(argon2) if argon2.is_id => Some(Hash {
                scheme: Scheme::Wrapped(digest(made)?, argon2),
                ..phc
            }),
            _ => None,
        };
    }
    if text.starts_with("$2") {
        return bcrypt(text);
    }
    phc(text)
}

/// `alg=sha256,order=salt-pw,salt=...`
fn digest(made: &str) -> Option<Digest> {
    let [algorithm, order, salt] = made.split(',').collect::<Vec<_>>()[..] else {
        return None;
    };
    let salt = STANDARD_NO_PAD.decode(salt.strip_prefix("salt=")?).ok()?;
    Some(Digest {
        bits: match algorithm {
            "alg=sha256" => 256,
            "alg=sha512" => 512,
            _ => return None,
        },
        salt_first: match order {
            "order=salt-pw" => true,
            "order=pw-salt" => false,
            _ => return None,
        },
        salt: Some(salt).filter(|salt| salt.len() <= 64)?,
    })
}

/// `$argon2id$v=19$m=49152,t=3,p=1$<salt>$<output>`
fn phc(text: &str) -> Option<Hash> {
    let ["", name, "v=19", params, salt, output] = text.split('$').collect::<Vec<_>>()[..] else {
        return None;
    };
    let is_id = match name {
        "argon2id" => true,
        "argon2i" => false,
        _ => return None,
    };
    let params: Vec<(&str, u32)> = params.split(',').map(param).collect::<Option<_>>()?;
    let only = |name: &str| {
        let mut named = params.iter().filter(|(of, _)| *of == name);
        named.next().filter(|_| params.len() == 3).map(|(_, n)| *n)
    };
    let (memory_kib, iterations, parallelism) = (only("m")?, only("t")?, only("p")?);
    let is_within = (1..=16).contains(&parallelism)
        && (1..=20).contains(&iterations)
        && memory_kib >= 8 * parallelism
        && memory_kib <= 1024 * 1024;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let output = STANDARD_NO_PAD.decode(output).ok()?;
    let fits = (8..=48).contains(&salt.len()) && (16..=64).contains(&output.len());
    (is_within && fits).then_some(Hash {
        scheme: Scheme::Argon2(Argon2 {
            is_id,
            memory_kib,
            iterations,
            parallelism,
        }),
        salt,
        output,
    })
}

/// `m=8`: digits, and no zero in front of others.
fn param(param: &str) -> Option<(&str, u32)> {
    let (name, digits) = param.split_once('=')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = digits.len() > 1 && digits.starts_with('0');
    (is_number && !is_padded).then_some((name, digits.parse().ok()?))
}

/// `$2b$12$<22 letters of salt><31 letters of output>`
fn bcrypt(text: &str) -> Option<Hash> {
    let ["", "2a" | "2b" | "2y", cost, letters] = text.split('$').collect::<Vec<_>>()[..] else {
        return None;
    };
    let costs = [
        "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15",
    ];
    let alphabet = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);
    let (salt, output) = letters.split_at_checked(22)?;
    let (salt, output) = (alphabet.decode(salt).ok()?, alphabet.decode(output).ok()?);
    let cost = costs.iter().position(|known| *known == cost)? + 4;
    (salt.len() == 16 && output.len() == 23).then_some(Hash {
        scheme: Scheme::Bcrypt { cost },
        salt,
        output,
    })
}
