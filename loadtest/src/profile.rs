//! The life of a profile: created, read, changed, listed, deactivated, and from the start with another.

use crate::keys::Keys;

/// A step in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is made.
    Create,
    /// It is read by its id.
    Read,
    /// It gets another name.
    Change,
    /// It is found among the active ones of its user.
    List,
    /// It is deactivated.
    Deactivate,
}

/// Most instruments of a live feed with strict validation.
pub(crate) const INSTRUMENTS_MAX: usize = 50;

/// Writes the body that creates a profile of `user_id`, into an emptied `out`.
pub(crate) fn write_creation(user_id: &str, keys: &Keys, instruments: &[u32], out: &mut Vec<u8>) {
    out.clear();
    let start = format!(
        r#"{{"user_id":"{user_id}","profile_name":"Load test","subscription_type":"live_feed","instruments":["#
    );
    out.extend_from_slice(start.as_bytes());
    keys.write_list(instruments, out);
    out.extend_from_slice(b"]}");
}

/// Where one connection stands. Each has a user of its own, so that no profile is in conflict with another.
#[derive(Debug, Default)]
pub(crate) struct Life {
    profile: Option<(String, Step)>,
}

impl Life {
    /// What comes next.
    pub(crate) fn step(&self) -> Step {
        self.profile.as_ref().map_or(Step::Create, |&(_, step)| step)
    }

    /// The id of the profile; `None` before it is made.
    pub(crate) fn id(&self) -> Option<&str> {
        self.profile.as_ref().map(|(id, _)| id.as_str())
    }

    /// Goes on after a good answer, which for a creation gave the id.
    pub(crate) fn go_on(&mut self, made: Option<String>) {
        self.profile = match (self.profile.take(), made) {
            (None, made) => made.map(|id| (id, Step::Read)),
            (Some((id, step)), _) => match step {
                Step::Create | Step::Read => Some((id, Step::Change)),
                Step::Change => Some((id, Step::List)),
                Step::List => Some((id, Step::Deactivate)),
                Step::Deactivate => None,
            },
        };
    }

    /// Leaves the profile as it is and begins with another, after an answer at fault.
    pub(crate) fn give_up(&mut self) {
        self.profile = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_five_steps_and_begins_again() {
        let mut life = Life::default();
        let mut steps = Vec::new();
        for _ in 0..6 {
            steps.push(life.step());
            life.go_on((life.step() == Step::Create).then(|| "profile_1".to_owned()));
        }

        assert_eq!(steps, [Step::Create, Step::Read, Step::Change, Step::List, Step::Deactivate, Step::Create]);
        assert_eq!((life.step(), life.id()), (Step::Read, Some("profile_1")));
        life.give_up();
        assert_eq!((life.step(), life.id()), (Step::Create, None));
    }
}
