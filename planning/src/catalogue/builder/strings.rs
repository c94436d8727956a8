//! The table of texts that records refer to.

use super::super::{StringId, hash_key, slice_of, usize_of};

/// The distinct texts.
#[derive(Debug)]
pub(super) struct Strings {
    /// Open addressing: slots contain numbers, 0 is empty. The table is at most half full. A map of texts would store
    /// every text a second time.
    slots: Vec<u32>,
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(super) fn new() -> Self {
        // Number 0 is the empty string.
        Strings { slots: vec![0; 1024], text: String::new(), ends: vec![0] }
    }

    pub(super) fn intern(&mut self, text: &str) -> StringId {
        if text.is_empty() {
            return StringId(0);
        }
        let (position, found) = self.slot_of(text);
        if found != 0 {
            return StringId(found);
        }
        let id = u32::try_from(self.ends.len()).expect("strings fit into 32 bits");
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("strings fit into 4 GiB"));
        self.slots[position] = id;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        StringId(id)
    }

    /// Returns the number of the text; `None` if the table does not contain it.
    pub(super) fn find(&self, text: &str) -> Option<StringId> {
        let (_, found) = self.slot_of(text);
        (found != 0).then_some(StringId(found))
    }

    pub(super) fn get(&self, id: StringId) -> &str {
        slice_of(&self.text, &self.ends, id.0)
    }

    /// Returns the slot of the text, or the slot into which it belongs, and its number; 0 if the table does not contain
    /// it.
    fn slot_of(&self, text: &str) -> (usize, u32) {
        let mask = self.slots.len() - 1;
        let mut position = usize_of(hash_key(text)) & mask;
        loop {
            match self.slots[position] {
                0 => return (position, 0),
                id if slice_of(&self.text, &self.ends, id) == text => return (position, id),
                _ => position = (position + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for id in 1..u32::try_from(self.ends.len()).expect("strings fit into 32 bits") {
            let (position, _) = self.slot_of(slice_of(&self.text, &self.ends, id));
            self.slots[position] = id;
        }
    }

    pub(super) fn into_parts(mut self) -> (String, Vec<u32>) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        (self.text, self.ends)
    }
}

impl Default for Strings {
    fn default() -> Self {
        Self::new()
    }
}
