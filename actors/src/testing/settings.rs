//! A fake source of settings.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::config::{Answers, SettingsSource, SourceError};
use crate::settings::{Origin, SETTINGS};

type Values = BTreeMap<&'static str, (String, Origin)>;

#[derive(Default)]
pub(crate) struct FakeSettings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    values: Values,
    fails: bool,
    panics: bool,
    fetches: usize,
}

impl FakeSettings {
    /// Sets the key whose name ends in `suffix`.
    pub(crate) fn set(&self, suffix: &str, value: &str) {
        let key = SETTINGS.iter().find(|key| key.name.ends_with(suffix)).unwrap();
        self.state().values.insert(key.name, (value.to_owned(), Origin::ConfigService));
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.state().fails = fails;
    }

    pub(crate) fn panic_once(&self) {
        self.state().panics = true;
    }

    /// Returns the number of fetches.
    pub(crate) fn fetches(&self) -> usize {
        self.state().fetches
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl SettingsSource for FakeSettings {
    async fn fetch(&self, _: &str) -> Result<Answers, SourceError> {
        let mut state = self.state();
        state.fetches += 1;
        if std::mem::take(&mut state.panics) {
            drop(state);
            panic!("panic injected by a test");
        }
        if state.fails {
            Err(SourceError::Unavailable("fault injected by a test".to_owned()))
        } else {
            Ok(state.values.clone().into())
        }
    }
}
