//! A queue that holds the arrival time of each item.

use std::collections::VecDeque;

use tokio::time::Instant;

/// Items in order of arrival, with the time of their arrival.
pub(super) struct WaitingQueue<T>(VecDeque<(Instant, T)>);

impl<T> Default for WaitingQueue<T> {
    fn default() -> Self {
        WaitingQueue(VecDeque::new())
    }
}

impl<T> WaitingQueue<T> {
    pub(super) fn push(&mut self, item: T) {
        self.0.push_back((Instant::now(), item));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, item)| item)
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.0.front().map(|(_, item)| item)
    }

    /// Returns the arrival of the first item.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.0.front().map(|(since, _)| *since)
    }

    /// Returns the arrival of the first item that `is_wanted`.
    pub(super) fn oldest_of(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Instant> {
        self.0.iter().find(|(_, item)| is_wanted(item)).map(|(since, _)| *since)
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.0.pop_front().map(|(_, item)| item)
    }

    /// Takes the first item that `is_wanted`, and its arrival.
    pub(super) fn take_first(&mut self, is_wanted: impl Fn(&T) -> bool) -> Option<(Instant, T)> {
        let position = self.0.iter().position(|(_, item)| is_wanted(item))?;
        self.0.remove(position)
    }

    /// Drops the items that are not `wanted`.
    pub(super) fn retain(&mut self, wanted: impl Fn(&T) -> bool) {
        self.0.retain(|(_, item)| wanted(item));
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.0.drain(..).map(|(_, item)| item)
    }
}
