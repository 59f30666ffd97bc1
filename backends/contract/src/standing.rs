//! Who may change which membership: the one rule, for every store.

use crate::{ChangeMember, MemberOutcome, Role};

/// What a store has on a membership that is to be changed. It must hold until
/// the change is written: a store reads it and writes in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What whoever asks is in the room; `None` too if there is no such room.
    pub by: Option<Role>,
    /// What the user in question is there.
    pub user: Option<Role>,
    /// How many owners the room has.
    pub owners: u64,
    /// How many members the room has, owners and readers among them.
    pub members: u64,
}

impl Standing {
    /// What becomes of `change` without anything being written; `None`: it is
    /// to be written. Whoever isn't in the room learns nothing about it, and
    /// who is no owner nothing about the others in it.
    #[must_use]
    pub fn settles(&self, change: &ChangeMember) -> Option<MemberOutcome> {
        let leaves = change.by == change.user && change.role.is_none();
        let Some(by) = self.by else {
            return Some(MemberOutcome::NoSuchRoom);
        };
        if by != Role::Owner && !leaves {
            return Some(MemberOutcome::NotOwner);
        }
        match (self.user, change.role) {
            (None, None) => Some(MemberOutcome::NoSuchMember),
            (is, shall_be) if is == shall_be => Some(MemberOutcome::Unchanged),
            // Nobody else is an owner, and this one would be none any more.
            (Some(Role::Owner), _) if self.owners <= 1 => Some(MemberOutcome::LastOwner),
            (None, Some(_)) if self.members >= u64::from(change.max_members) => {
                Some(MemberOutcome::Full)
            }
            _ => None,
        }
    }
}
