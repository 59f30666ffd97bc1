use crate::{
    error::{Error, Unavailable},
    fill::fill_and_finish,
    job::Job,
    kernel,
    self_test,
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

    /// The fastest that this machine has the instructions of.
    #[must_use]
    pub fn fastest() -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.is_available()).unwrap_or(Self::Portable)
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
    /// By the fastest implementation of this machine, after its self-test,
    /// which takes less than a millisecond.
    ///
    /// # Errors
    /// [`Unavailable::SelfTest`]: don't trust it with anything.
    pub fn detect() -> Result<Self, Unavailable> {
        Self::with(Implementation::fastest())
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
