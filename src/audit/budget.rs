//! How many refusals are recorded one by one, and what was left out.

use std::collections::HashMap;

use contract::{AuditEvent, AuditOutcome, AuditReason, AuditRecord, Timestamp};
use parking_lot::Mutex;

const MINUTE: i64 = 60;

/// So many refusals a minute; the rest is counted.
pub(super) struct Budget {
    per_minute: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    minute: i64,
    used: u32,
    /// By event and reason, both from short lists: guesses can't make it grow.
    omitted: HashMap<(AuditEvent, Option<AuditReason>), u64>,
}

impl Budget {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            state: Mutex::default(),
        }
    }

    /// Whether a refusal is recorded by itself. If not, it is counted.
    pub(super) fn admits(&self, refusal: &AuditRecord) -> bool {
        let minute = refusal.at.as_second().div_euclid(MINUTE);
        let mut state = self.state.lock();
        if state.minute != minute {
            state.minute = minute;
            state.used = 0;
        }
        if state.used < self.per_minute {
            state.used += 1;
            return true;
        }
        let kind = (refusal.event.clone(), refusal.reason.clone());
        *state.omitted.entry(kind).or_default() += 1;
        false
    }

    /// What was counted since the last time, as records.
    pub(super) fn omitted(&self, now: Timestamp) -> Vec<AuditRecord> {
        let omitted = std::mem::take(&mut self.state.lock().omitted);
        omitted
            .into_iter()
            .map(|((event, reason), count)| AuditRecord {
                outcome: AuditOutcome::Failure,
                reason,
                ..AuditRecord::new(event, now).count(count)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(second: i64, reason: AuditReason) -> AuditRecord {
        let at = Timestamp::from_second(second).unwrap();
        AuditRecord::new(AuditEvent::Login, at).refused(reason)
    }

    #[test]
    fn what_is_too_much_is_counted_by_its_reason() {
        let budget = Budget::new(2);
        for second in [0, 60] {
            for _ in 0..2 {
                assert!(budget.admits(&refusal(second, AuditReason::UnknownName)));
            }
            for _ in 0..5 {
                assert!(!budget.admits(&refusal(second + 59, AuditReason::UnknownName)));
            }
            assert!(!budget.admits(&refusal(second + 1, AuditReason::WrongPassword)));
        }
        let now = Timestamp::from_second(100).unwrap();
        let mut omitted: Vec<_> = budget
            .omitted(now)
            .into_iter()
            .map(|record| {
                assert_eq!(record.event, AuditEvent::Login);
                assert_eq!(record.outcome, AuditOutcome::Failure);
                (record.reason.unwrap().to_string(), record.count.unwrap())
            })
            .collect();
        omitted.sort();
        let expected = [
            ("unknown_name".to_owned(), 10),
            ("wrong_password".to_owned(), 2),
        ];
        assert_eq!(omitted, expected);
        assert_eq!(budget.omitted(now), []);
    }
}
