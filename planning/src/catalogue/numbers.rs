//! The numbers by which NSE and BSE name their securities. BSE calls them scrip codes.
//!
//! No file has a column for them that is kept, but most brokers use them as tokens or as a part of tokens.

use super::{Catalogue, InstrumentId};
use crate::vocabulary::{Broker, Exchange, Segment};

/// The numbers of securities, sorted.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    nse: Vec<(u32, InstrumentId)>,
    bse: Vec<(u32, InstrumentId)>,
}

impl Numbers {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let (mut nse, mut bse) = (Vec::new(), Vec::new());
        for instrument in catalogue.instruments() {
            let of_exchange = match instrument.segment() {
                Segment::NseEquity => &mut nse,
                Segment::BseEquity => &mut bse,
                _ => continue,
            };
            let tokens = Broker::WITH_FILES.iter().filter_map(|broker| Some((*broker, instrument.token(*broker)?)));
            let numbers = tokens.filter_map(|(broker, token)| number_of(broker, token));
            of_exchange.extend(numbers.map(|number| (number, instrument.id())));
        }
        Numbers { nse: most_frequent(nse), bse: most_frequent(bse) }
    }

    fn find(&self, exchange: Exchange, number: u32) -> Option<InstrumentId> {
        let numbers = match exchange {
            Exchange::Nse => &self.nse,
            Exchange::Bse => &self.bse,
            _ => return None,
        };
        let found = numbers.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(numbers[found].1)
    }
}

impl Catalogue {
    /// Returns the security that NSE or BSE names by a number, if the token of a broker contains it.
    pub fn with_exchange_number(&self, exchange: Exchange, number: u32) -> Option<InstrumentId> {
        self.numbers.find(exchange, number)
    }
}

/// Returns the number of the exchange in a token of a cash security.
fn number_of(broker: Broker, token: &str) -> Option<u32> {
    if broker == Broker::Kite {
        // The lowest byte is the segment.
        return token.parse::<u32>().ok().map(|token| token >> 8);
    }
    // `BSE_EQ|500325`, `BSE|CASH|500325`, `500325_BSE`. Others contain the ISIN or the symbol.
    let number = match token.rsplit_once('|') {
        Some((_, number)) => number,
        None => token.split_once('_')?.0,
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

/// Returns one instrument for each number: the one to which most brokers give it, because an exchange may give the
/// number to another security between the dates of two files.
fn most_frequent(mut numbers: Vec<(u32, InstrumentId)>) -> Vec<(u32, InstrumentId)> {
    numbers.sort_unstable();
    let mut chosen = Vec::with_capacity(numbers.len());
    for of_number in numbers.chunk_by(|a, b| a.0 == b.0) {
        let of_instruments = of_number.chunk_by(|a, b| a.1 == b.1);
        // Of equally frequent ones, the first by key.
        let most = of_instruments.reduce(|most, other| if other.len() > most.len() { other } else { most });
        chosen.extend(most.and_then(<[_]>::first));
    }
    chosen.shrink_to_fit();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::equity;

    fn found(tokens: &[(Broker, &str, &str)], exchange: Exchange, number: u32) -> Option<String> {
        let mut builder = Builder::new();
        for exchange in ["BSE", "NSE"] {
            builder.add(equity(exchange, "RELIANCE", "INE002A01018"), true);
            builder.add(equity(exchange, "TCS", "INE467B01029"), true);
        }
        for (broker, key, token) in tokens {
            builder.add_token(*broker, (*key).to_owned(), token);
        }
        let catalogue = builder.build("1".into(), vec![]);
        catalogue.with_exchange_number(exchange, number).map(|id| catalogue.key(id).to_owned())
    }

    #[test]
    fn numbers_are_parts_of_the_tokens_of_most_brokers() {
        for (broker, token) in [
            (Broker::Kite, "128083204"),
            (Broker::Dhan, "BSE_EQ|500325"),
            (Broker::Angel, "BSE|500325"),
            (Broker::Nuvama, "500325_BSE"),
            (Broker::Groww, "BSE|CASH|500325"),
        ] {
            let tokens = [(broker, "BSE:RELIANCE", token)];

            assert_eq!(found(&tokens, Exchange::Bse, 500_325).as_deref(), Some("BSE:RELIANCE"), "{broker:?}");
            assert_eq!(found(&tokens, Exchange::Nse, 500_325), None);
            assert_eq!(found(&tokens, Exchange::Nfo, 500_325), None);
        }
        let of_nse = [(Broker::Kite, "NSE:RELIANCE", "738561")];
        assert_eq!(found(&of_nse, Exchange::Nse, 2885).as_deref(), Some("NSE:RELIANCE"));
        for (broker, token) in [(Broker::Upstox, "BSE_EQ|INE002A01018"), (Broker::Fyers, "BSE:RELIANCE-A")] {
            assert_eq!(found(&[(broker, "BSE:RELIANCE", token)], Exchange::Bse, 500_325), None, "{broker:?}");
        }
    }

    #[test]
    fn most_brokers_decide_the_owner_of_a_number() {
        let tokens = [
            (Broker::Dhan, "BSE:TCS", "BSE_EQ|500325"),
            (Broker::Angel, "BSE:RELIANCE", "BSE|500325"),
            (Broker::Nuvama, "BSE:TCS", "500325_BSE"),
        ];

        assert_eq!(found(&tokens, Exchange::Bse, 500_325).as_deref(), Some("BSE:TCS"));
        assert_eq!(found(&tokens[..2], Exchange::Bse, 500_325).as_deref(), Some("BSE:RELIANCE"));
    }
}
