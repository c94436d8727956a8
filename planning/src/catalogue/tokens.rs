//! The tokens of instruments in the feeds of brokers, packed, because there is one for each instrument and broker.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem::Finder;

use super::InstrumentId;
use crate::vocabulary::Broker;

/// The number of instruments in a block. The position of a token is that of its block plus the lengths before it in the
/// block: this takes one byte for each instrument, an offset would take four.
const BLOCK: usize = 16;

/// Tokens by broker and instrument.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    by_broker: BTreeMap<Broker, PackedTokens>,
}

/// The tokens of one broker in the order of the ids of the instruments.
#[derive(Debug, Default)]
struct PackedTokens {
    text: String,
    /// The length of the token of each instrument in bytes; 0 if it has no token.
    lengths: Vec<u8>,
    /// The start of the text of each block of instruments.
    blocks: Vec<u32>,
}

impl Tokens {
    /// Packs tokens that are sorted by broker and instrument, at most one for each pair, given as their ranges in
    /// `text`. `instruments` is the number of instruments. An empty token, or one of more than 255 bytes, is ignored.
    pub(super) fn new(sorted: &[(Broker, InstrumentId, Range<u32>)], text: &str, instruments: usize) -> Self {
        let by_broker = sorted.chunk_by(|a, b| a.0 == b.0).map(|of_broker| {
            let mut packed = PackedTokens::default();
            for (_, id, token) in of_broker {
                packed.skip_to(id.index());
                packed.push(&text[token.start as usize..token.end as usize]);
            }
            packed.skip_to(instruments);
            packed.text.shrink_to_fit();
            packed.lengths.shrink_to_fit();
            packed.blocks.shrink_to_fit();
            (of_broker[0].0, packed)
        });
        Tokens { by_broker: by_broker.collect() }
    }

    pub(super) fn get(&self, broker: Broker, id: InstrumentId) -> Option<&str> {
        self.by_broker.get(&broker)?.get(id.index())
    }

    /// Whether the instrument has a token of the broker.
    pub(super) fn contains(&self, broker: Broker, id: InstrumentId) -> bool {
        let lengths = self.by_broker.get(&broker).map(|packed| packed.lengths.as_slice());
        lengths.is_some_and(|lengths| lengths.get(id.index()).is_some_and(|length| *length > 0))
    }

    /// Returns the first instrument with a token of the broker. It searches the text of all tokens, which takes a tenth
    /// of a millisecond.
    pub(super) fn find(&self, broker: Broker, token: &str) -> Option<InstrumentId> {
        let index = self.by_broker.get(&broker)?.find(token)?;
        u32::try_from(index).ok().map(InstrumentId)
    }

    pub(super) fn has(&self, broker: Broker) -> bool {
        self.by_broker.contains_key(&broker)
    }

    /// Returns every token, by broker, then instrument.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Broker, InstrumentId, &str)> {
        self.by_broker.iter().flat_map(|(broker, packed)| packed.iter().map(|(id, token)| (*broker, id, token)))
    }

    /// Returns every token of a broker, by instrument.
    pub(super) fn of(&self, broker: Broker) -> impl Iterator<Item = (InstrumentId, &str)> {
        self.by_broker.get(&broker).into_iter().flat_map(PackedTokens::iter)
    }
}

impl PackedTokens {
    fn push(&mut self, token: &str) {
        if self.lengths.len().is_multiple_of(BLOCK) {
            self.blocks.push(u32::try_from(self.text.len()).expect("tokens fit into 4 GiB"));
        }
        let length = u8::try_from(token.len()).unwrap_or(0);
        if length > 0 {
            self.text.push_str(token);
        }
        self.lengths.push(length);
    }

    fn skip_to(&mut self, index: usize) {
        while self.lengths.len() < index {
            self.push("");
        }
    }

    fn find(&self, token: &str) -> Option<usize> {
        if token.is_empty() {
            return None;
        }
        let finder = Finder::new(token);
        let mut from = 0;
        while let Some(hit) = finder.find(self.text.as_bytes().get(from..)?) {
            let start = from + hit;
            let block = self.blocks.partition_point(|block| *block as usize <= start).checked_sub(1)?;
            let mut at = self.blocks[block] as usize;
            let mut index = block * BLOCK;
            // A token may also contain the end of one token and the start of the next one.
            while at < start || self.lengths[index] == 0 {
                at += usize::from(self.lengths[index]);
                index += 1;
            }
            if at == start && usize::from(self.lengths[index]) == token.len() {
                return Some(index);
            }
            from = start + 1;
        }
        None
    }

    /// Returns every token, by instrument.
    fn iter(&self) -> impl Iterator<Item = (InstrumentId, &str)> {
        let mut start = 0;
        self.lengths.iter().zip(0u32..).filter_map(move |(length, id)| {
            let end = start + usize::from(*length);
            let token = &self.text[start..end];
            start = end;
            (!token.is_empty()).then_some((InstrumentId(id), token))
        })
    }

    fn get(&self, index: usize) -> Option<&str> {
        let length = usize::from(*self.lengths.get(index)?);
        if length == 0 {
            return None;
        }
        let block = index / BLOCK;
        let before: usize = self.lengths[block * BLOCK..index].iter().map(|length| usize::from(*length)).sum();
        let start = self.blocks[block] as usize + before;
        Some(&self.text[start..start + length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(tokens: &[(Broker, u32, String)], instruments: usize) -> Tokens {
        let mut text = String::new();
        let mut place = |token: &str| {
            let start = text.len() as u32;
            text.push_str(token);
            start..text.len() as u32
        };
        let places: Vec<_> =
            tokens.iter().map(|(broker, id, token)| (*broker, InstrumentId(*id), place(token))).collect();
        Tokens::new(&places, &text, instruments)
    }

    #[test]
    fn every_token_belongs_to_its_instrument_only() {
        let token = |id: u32| format!("NSE_FO|{}", id * id);
        let sparse: Vec<u32> = (0..200).filter(|id| id % 3 == 0 || id % 7 == 0).collect();
        let sorted: Vec<_> = sparse.iter().map(|id| (Broker::Upstox, *id, token(*id))).collect();

        let tokens = packed(&sorted, 200);

        for id in 0..200 {
            let expected = sparse.contains(&id).then(|| token(id));
            assert_eq!(tokens.get(Broker::Upstox, InstrumentId(id)), expected.as_deref(), "{id}");
            assert_eq!(tokens.get(Broker::Kite, InstrumentId(id)), None);
            assert_eq!(tokens.contains(Broker::Upstox, InstrumentId(id)), expected.is_some(), "{id}");
            assert!(!tokens.contains(Broker::Kite, InstrumentId(id)));
            assert_eq!(tokens.find(Broker::Upstox, &token(id)), expected.map(|_| InstrumentId(id)), "{id}");
        }
        for text in ["NSE_FO|", "NSE_FO", "NSE_FO|9NSE_FO|36", "|9", "NSE_FO|90"] {
            assert_eq!(tokens.find(Broker::Upstox, text), None, "{text}");
        }
        let listed: Vec<(Broker, u32, String)> =
            tokens.iter().map(|(broker, id, token)| (broker, id.0, token.to_owned())).collect();
        assert_eq!(listed, sorted);
        assert_eq!(tokens.of(Broker::Upstox).count(), sparse.len());
        assert_eq!(tokens.of(Broker::Kite).count(), 0);
    }

    #[test]
    fn a_token_is_found_across_repeated_digits() {
        let sorted =
            [(Broker::Kite, 1, "11".into()), (Broker::Kite, 5, "111".into()), (Broker::Kite, 40, "1111".into())];
        let tokens = packed(&sorted, 100);

        for (token, id) in [("11", Some(1)), ("111", Some(5)), ("1111", Some(40)), ("11111", None), ("", None)] {
            assert_eq!(tokens.find(Broker::Kite, token), id.map(InstrumentId), "{token}");
        }
    }

    #[test]
    fn invalid_tokens_are_not_stored() {
        let long = "9".repeat(256);
        let sorted = [(Broker::Kite, 0, String::new()), (Broker::Kite, 1, long)];

        assert_eq!(packed(&sorted, 2).iter().count(), 0);
    }
}
