use crate::{
    error::{Error, Unavailable},
    fill::fill_and_finish,
    job::Job,
    kernel, self_test,
};

/// A way to compute Argon2id; all give the same hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// Plain Rust.
    Portable,
    /// AVX2, of x86-64.
    Avx2,
    /// AVX-512F, of x86-64.
    Avx512,
}

impl Implementation {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// Whether this machine has its instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        kernel::Any::of(self).is_some()
    }
}

/// Computes Argon2id by an [`Implementation`] that this machine has and that
/// has passed its self-test.
#[derive(Debug, Clone, Copy)]
pub struct Hasher {
    implementation: Implementation,
    kernel: kernel::Any,
}

impl Hasher {
    /// How many hashes at once are fastest: two. While one of them waits for
    /// memory the other computes; with more of them less of each is in the
    /// caches.
    pub const WIDTH: usize = 2;

    /// By the fastest vector instructions of this machine, after a self-test,
    /// which takes less than a millisecond.
    ///
    /// # Errors
    /// [`Unavailable::Missing`] if it has none: `argon2` is faster than
    /// [`Implementation::Portable`]. [`Unavailable::SelfTest`]: don't trust it
    /// with anything.
    pub fn detect() -> Result<Self, Unavailable> {
        Self::with(Implementation::Avx512).or_else(|unavailable| match unavailable {
            Unavailable::Missing => Self::with(Implementation::Avx2),
            Unavailable::SelfTest => Err(unavailable),
        })
    }

    /// By `implementation`, after its self-test.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn with(implementation: Implementation) -> Result<Self, Unavailable> {
        let kernel = kernel::Any::of(implementation).ok_or(Unavailable::Missing)?;
        let hasher = Self {
            implementation,
            kernel,
        };
        if self_test::passes(hasher) {
            Ok(hasher)
        } else {
            Err(Unavailable::SelfTest)
        }
    }

    /// What it computes by.
    #[must_use]
    pub fn implementation(self) -> Implementation {
        self.implementation
    }

    /// Computes every hash of `jobs`, in turns on this thread: two or more take
    /// less time than one after the other would. They may be of different cost.
    ///
    /// # Errors
    /// [`Error`] if one of them can't be computed; none is computed then.
    pub fn hash_many(self, jobs: &mut [Job<'_>]) -> Result<(), Error> {
        for job in &*jobs {
            job.check()?;
        }
        match self.kernel {
            kernel::Any::Portable(kernel) => fill_and_finish(kernel, jobs),
            #[cfg(target_arch = "x86_64")]
            kernel::Any::Avx2(kernel) => fill_and_finish(kernel, jobs),
            #[cfg(target_arch = "x86_64")]
            kernel::Any::Avx512(kernel) => fill_and_finish(kernel, jobs),
        }
    }

    /// Computes one hash.
    ///
    /// # Errors
    /// [`Error`] if it can't be computed.
    pub fn hash(self, job: Job<'_>) -> Result<(), Error> {
        self.hash_many(&mut [job])
    }
}
