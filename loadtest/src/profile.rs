//! The life of a profile: it is created, read, changed, listed and deactivated, and then the next one starts.

use crate::keys::Keys;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Read,
    Change,
    List,
    Deactivate,
}

/// Maximum number of instruments of a live feed with strict validation.
pub(crate) const INSTRUMENTS_MAX: usize = 50;

/// Clears `out`, and writes the body that creates a profile of `user_id`.
pub(crate) fn write_creation(user_id: &str, keys: &Keys, instruments: &[u32], out: &mut Vec<u8>) {
    let start = format!(
        r#"{{"user_id":"{user_id}","profile_name":"Load test","subscription_type":"live_feed","instruments":["#
    );
    out.clear();
    out.extend_from_slice(start.as_bytes());
    keys.write_list(instruments, out);
    out.extend_from_slice(b"]}");
}

/// The current profile of one connection, and its next step. Each connection has its own user, so that profiles do not
/// conflict.
#[derive(Debug, Default)]
pub(crate) struct Life(Option<(String, Step)>);

impl Life {
    pub(crate) fn step(&self) -> Step {
        self.0.as_ref().map_or(Step::Create, |&(_, step)| step)
    }

    /// Returns the id of the profile, or `None` before it is created.
    pub(crate) fn id(&self) -> Option<&str> {
        self.0.as_ref().map(|(id, _)| id.as_str())
    }

    /// Advances after a good response. The response to a creation provides the id.
    pub(crate) fn go_on(&mut self, made: Option<String>) {
        let next = match self.step() {
            Step::Create => Step::Read,
            Step::Read => Step::Change,
            Step::Change => Step::List,
            Step::List => Step::Deactivate,
            Step::Deactivate => return self.give_up(),
        };
        self.0 = self.0.take().map(|(id, _)| id).or(made).map(|id| (id, next));
    }

    /// Abandons the profile and starts with another one, after a response with a fault.
    pub(crate) fn give_up(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_five_steps_and_starts_again() {
        let mut life = Life::default();
        let mut steps = Vec::new();
        for _ in 0..6 {
            steps.push(life.step());
            life.go_on((life.step() == Step::Create).then(|| "profile_1".to_owned()));
        }

        assert_eq!(steps, [Step::Create, Step::Read, Step::Change, Step::List, Step::Deactivate, Step::Create]);
        assert_eq!(life.step(), Step::Read);
        assert_eq!(life.id(), Some("profile_1"));
        life.give_up();
        assert_eq!(life.step(), Step::Create);
        assert_eq!(life.id(), None);
    }
}
