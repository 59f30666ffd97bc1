//! The laws that every backend holds, one named test each.
