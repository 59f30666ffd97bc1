//! Platforms that take an instance's disk away with the instance, known by a
//! variable that each sets. Volumes that some of them offer are network file
//! systems, whose locks a database file can't rely on.

/// The variable, and whose it is.
const WITHOUT_DISK: &[(&str, &str)] = &[
    ("K_SERVICE", "Cloud Run"),
    ("CONTAINER_APP_NAME", "Azure Container Apps"),
    ("DYNO", "Heroku"),
];

/// A platform that keeps no disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WithoutDisk {
    pub(super) variable: &'static str,
    pub(super) name: &'static str,
}

/// The platform on which these variables are set.
pub(super) fn without_disk(is_set: impl Fn(&str) -> bool) -> Option<WithoutDisk> {
    let found = WITHOUT_DISK.iter().find(|(variable, _)| is_set(variable));
    found.map(|&(variable, name)| WithoutDisk { variable, name })
}

/// Whether a variable tells of such a platform.
pub(super) fn is_name(variable: &str) -> bool {
    without_disk(|known| known == variable).is_some()
}
