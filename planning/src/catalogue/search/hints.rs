//! Queries of [`crate::help`] to a catalog. Each takes a bounded time.

use chrono::NaiveDate;

use super::bits::Bits;
use super::forms::exchange_of_segment;
use super::typo::{distance, mistakes_allowed};
use super::{Catalogue, Expiry, InstrumentId};
use crate::vocabulary::{Broker, Exchange, InstrumentType};

/// A name of an instrument in addition to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Isin,
    /// The number that NSE or BSE gave to a security.
    ExchangeNumber,
    /// The token of a broker.
    Token(Broker),
}

/// The minimum number of digits of a token of Kite and of a scrip code of BSE: shorter numbers are parts of names.
const LONE_NUMBER_DIGITS_MIN: usize = 5;

impl Catalogue {
    /// Returns the instruments that a text names by an ISIN, by a number of an exchange, or by the token of a broker.
    pub(crate) fn named(&self, text: &str) -> Option<(Name, Vec<InstrumentId>)> {
        if let Some((broker, id)) = self.owner_of_token(text) {
            return Some((Name::Token(broker), vec![id]));
        }
        let (exchange, rest) = match text.split_once(['|', ':']) {
            Some((word, rest)) => {
                let word = word.to_ascii_uppercase();
                (Some(Exchange::parse(&word).or_else(|| exchange_of_segment(&word))?), rest)
            }
            None => (None, text),
        };
        self.named_on(exchange, rest)
    }

    /// Returns the instruments that a symbol names by an ISIN or by a number of an exchange: those on the exchange, or
    /// all others if it has none.
    pub(crate) fn named_on(&self, exchange: Option<Exchange>, symbol: &str) -> Option<(Name, Vec<InstrumentId>)> {
        if is_isin(symbol) {
            let mut of_isin = self.with_isin(symbol);
            let is_on_exchange = |id: &InstrumentId| Some(self.get(*id).exchange()) == exchange;
            if of_isin.iter().any(is_on_exchange) {
                of_isin.retain(is_on_exchange);
            }
            if of_isin.iter().any(|id| self.get(*id).is_active()) {
                of_isin.retain(|id| self.get(*id).is_active());
            }
            of_isin.sort_by_key(|id| self.index.ranks.of(id.0));
            return (!of_isin.is_empty()).then_some((Name::Isin, of_isin));
        }
        if symbol.is_empty() || !symbol.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = symbol.parse().ok()?;
        let found = exchange.and_then(|exchange| self.with_exchange_number(exchange, number));
        let is_scrip_code =
            symbol.len() >= LONE_NUMBER_DIGITS_MIN && matches!(exchange, None | Some(Exchange::Nse | Exchange::Bse));
        let of_bse = || is_scrip_code.then(|| self.with_exchange_number(Exchange::Bse, number)).flatten();
        if let Some(id) = found.or_else(of_bse) {
            return Some((Name::ExchangeNumber, vec![id]));
        }
        if exchange.is_some() || symbol.len() < LONE_NUMBER_DIGITS_MIN {
            return None;
        }
        self.with_token(Broker::Kite, symbol).map(|id| (Name::Token(Broker::Kite), vec![id]))
    }

    /// Returns the instrument whose token at a broker is the text, if only tokens have its form: `NSE_FO|12345`, or
    /// `12345_NFO`. Brokers with the same form also have the same numbers.
    fn owner_of_token(&self, text: &str) -> Option<(Broker, InstrumentId)> {
        let has_bar = text.contains('|');
        let is_number_first =
            || text.split_once('_').is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
        if !has_bar && !is_number_first() {
            return None;
        }
        let has_form = |broker: &Broker| match broker {
            Broker::Kite | Broker::Fyers => false,
            Broker::Nuvama => !has_bar,
            _ => has_bar,
        };
        let brokers = Broker::WITH_FILES.iter().copied().filter(has_form);
        brokers.into_iter().find_map(|broker| Some((broker, self.with_token(broker, text)?)))
    }

    /// Returns the underlyings with which the symbol of a contract on an exchange starts, the longest first. Active
    /// contracts on the exchange refer to each of them.
    pub(crate) fn underlyings_of_symbol<'a>(
        &'a self,
        exchange: Exchange,
        symbol: &str,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let underlyings = &self.index.underlyings;
        let longest = |text: &str| underlyings.longest_prefix_of(text);
        let mut next = longest(symbol);
        std::iter::from_fn(move || {
            let index = next?;
            let found = underlyings.get(index);
            next = found.get(..found.len().saturating_sub(1)).and_then(longest);
            Some((index, found))
        })
        .filter(move |(index, _)| !self.index.expiries_at(exchange, *index).is_empty())
        .map(|(_, found)| found)
    }

    /// Returns the expiries of the active contracts on an exchange that refer to exactly this underlying, ascending.
    pub(crate) fn expiries_of(&self, exchange: Exchange, underlying: &str) -> Vec<Expiry> {
        let Some(index) = self.index.underlyings.find(underlying) else { return Vec::new() };
        self.index.expiries_at(exchange, index).iter().map(|(.., expiry)| *expiry).collect()
    }

    /// Returns the indices of an exchange, by key.
    pub(crate) fn indices(&self, exchange: Exchange) -> impl Iterator<Item = InstrumentId> {
        self.index.of_class(exchange, InstrumentType::Index).map(InstrumentId)
    }

    /// Returns every instrument of an ISIN, by key.
    pub(crate) fn with_isin(&self, isin: &str) -> Vec<InstrumentId> {
        let runs = self.index.isins.find(isin).map(|index| self.index.isins.runs(index));
        runs.unwrap_or_default().iter().cloned().flatten().map(InstrumentId).collect()
    }

    /// Returns the neighbors of a symbol in the order of symbols of an exchange, if they are similar to it: a contract
    /// with a typing error near its end.
    pub(crate) fn near_neighbours(&self, exchange: Exchange, written: &str) -> Vec<InstrumentId> {
        let range = self.index.exchange(exchange);
        let place = self.index.with_prefix(self, exchange, written).start;
        let neighbours = place.saturating_sub(1).max(range.start)..(place + 1).min(range.end);
        let is_near = |id: &InstrumentId| {
            let symbol = self.get(*id).symbol();
            distance(symbol.as_bytes(), written.as_bytes(), mistakes_allowed(written.len())).is_some()
        };
        neighbours.map(InstrumentId).filter(is_near).collect()
    }

    /// Returns the underlyings that are most similar to the text, if any are similar.
    pub(crate) fn nearest_underlyings(&self, written: &str) -> Vec<&str> {
        self.index.underlying_words.nearest(written, mistakes_allowed(written.len()))
    }

    /// Returns the instruments without an expiry on an exchange whose symbols are most similar to the text, in
    /// descending worth.
    pub(crate) fn nearest_symbols(&self, exchange: Exchange, written: &str, as_of: NaiveDate) -> Vec<InstrumentId> {
        let ranks = self.index.ranks.on(as_of);
        let nearest = self.index.symbol_words.nearest(written, mistakes_allowed(written.len()));
        let mut found: Vec<(u32, InstrumentId)> = nearest
            .into_iter()
            .filter_map(|symbol| {
                let id = self.find(&format!("{exchange}:{symbol}"))?;
                Some((ranks.of(self.target(id).0), id))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Returns the first `count` instruments without an expiry on an exchange whose symbol starts with the prefix; if
    /// no symbol does, those with a name that contains such a word.
    pub(crate) fn beginning_with(
        &self,
        exchange: Exchange,
        written: &str,
        as_of: NaiveDate,
        count: usize,
    ) -> Vec<InstrumentId> {
        let ranks = self.index.ranks.on(as_of);
        let mut found = Bits::new(self.len());
        found.insert_range(self.index.with_prefix(self, exchange, written));
        if found.is_empty() {
            self.index.names.insert_with_word(written, &mut found);
            let mut of_exchange = Bits::new(self.len());
            of_exchange.insert_range(self.index.exchange(exchange));
            found.retain_in(&of_exchange);
        }
        found.remove_all(&self.index.dated);
        ranks.first(found.words(), count).into_iter().map(InstrumentId).collect()
    }

    /// Returns the ids of the instruments on an exchange whose symbols start with `prefix`.
    pub(crate) fn with_prefix(&self, exchange: Exchange, prefix: &str) -> impl Iterator<Item = InstrumentId> + use<> {
        self.index.with_prefix(self, exchange, prefix).map(InstrumentId)
    }
}

/// Whether the text has the form of an ISIN of India: its country, nine letters or digits, and a check digit.
fn is_isin(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_allowed = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    bytes.len() == 12 && bytes[..2] == *b"IN" && bytes[2..].iter().all(is_allowed) && bytes[11].is_ascii_digit()
}
