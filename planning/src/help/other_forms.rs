//! Explains texts that name an instrument in another form than its key: by its ISIN, a number of its exchange, the
//! token of a broker, without an exchange, or with a segment in place of the exchange.

use super::{Help, Helper, SUGGESTIONS_MAX, and};
use crate::catalogue::InstrumentId;
use crate::catalogue::search::forms::{decoded, exchange_of_segment, spellings, without_series, without_yahoo_suffix};
use crate::catalogue::search::hints::Name;
use crate::instrument::KEY_CHARACTERS_MAX;
use crate::vocabulary::Exchange;

/// The exchanges that are searched for a symbol without an exchange, the most likely first.
const LIKELY_EXCHANGES: [Exchange; 10] = [
    Exchange::Nse,
    Exchange::Bse,
    Exchange::Nfo,
    Exchange::Bfo,
    Exchange::Mcx,
    Exchange::Cds,
    Exchange::Bcd,
    Exchange::Nco,
    Exchange::Global,
    Exchange::Nseix,
];

/// The separators that other services write between exchange and symbol.
const SEPARATORS: [char; 7] = [':', '|', '-', '.', '/', '_', ' '];

/// A text, as far as it names an exchange and a symbol, in capital letters.
struct KeyParts<'a> {
    /// The segment that is written in place of the exchange.
    segment: Option<&'a str>,
    exchange: Option<Exchange>,
    symbol: &'a str,
}

impl Helper<'_> {
    /// Describes the fault in a text that is not a key, with the instruments that it names.
    pub(super) fn malformed(&mut self, text: &str, fault: &str) -> Help {
        let in_capitals = self.in_capitals(text);
        if !in_capitals.is_empty() {
            return Help::new(fault, in_capitals);
        }
        // The work for a text is bounded by its length.
        let is_short = !text.trim().is_empty() && text.chars().nth(KEY_CHARACTERS_MAX).is_none();
        let meant = if is_short && self.takes_one() { self.meant(text) } else { None };
        match meant {
            Some(help) => Help::new(format!("{fault}; {}", help.detail), help.suggestions),
            None => Help::new(fault, Vec::new()),
        }
    }

    /// Describes the instruments that a well-formed key names in another form than by their symbols.
    pub(super) fn other_form(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        if let Some(decoded) = decoded(&format!("{exchange}:{symbol}")) {
            return self.of_decoded(&decoded);
        }
        let trimmed = symbol.trim();
        if trimmed != symbol {
            let found = self.in_capitals(&format!("{exchange}:{trimmed}"));
            if !found.is_empty() {
                return Some(Help::new("symbols neither start nor end with a space", found));
            }
        }
        let upper = trimmed.to_uppercase();
        if upper != symbol {
            return self.explain(exchange, &upper);
        }
        self.named(symbol, Some(exchange)).or_else(|| self.of_yahoo(symbol))
    }

    /// Describes a symbol of a well-formed key that is spelled in another way: `NSE:L&T`, `NSE:TATA MOTORS`.
    pub(super) fn spelled(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        let listings = |spelling: String| {
            let key = format!("{exchange}:{spelling}");
            self.catalogue.find(&key).map(|_| vec![key])
        };
        let keys = spellings(&symbol.to_uppercase()).into_iter().find_map(listings)?;
        Some(Help::new(format!("instrument not in the catalog; similar: `{}`", keys[0]), keys))
    }

    /// Describes the instruments that a text names that is not a key of the catalog.
    fn meant(&self, text: &str) -> Option<Help> {
        if let Some(decoded) = decoded(text) {
            return self.of_decoded(&decoded);
        }
        let text = text.trim();
        if let Some(help) = self.named(text, None) {
            return Some(help);
        }
        let upper = text.to_uppercase();
        let parts = parts(&upper);
        let symbol = parts.symbol;
        if symbol.is_empty() {
            return None;
        }
        let help = if text.contains([':', '|']) { None } else { self.anywhere(&upper) };
        let help = help.or_else(|| match parts.exchange {
            Some(exchange) => self.on_exchange(exchange, symbol),
            None => self.reversed(&upper).or_else(|| self.similar(&upper)),
        });
        let unknown_token = || {
            let is_token = text.contains('|') && symbol.bytes().all(|byte| byte.is_ascii_digit());
            is_token.then(|| Help::new(format!("no last accepted file contains the token `{text}`"), Vec::new()))
        };
        let help = unknown_token_or(help, unknown_token)?;
        match (parts.segment, parts.exchange) {
            (Some(segment), Some(exchange)) => {
                let detail = format!("`{segment}` is a segment of {exchange}; {}", help.detail);
                Some(Help::new(detail, help.suggestions))
            }
            _ => Some(help),
        }
    }

    fn of_decoded(&self, decoded: &str) -> Option<Help> {
        const DETAIL: &str = "the key contains encoded or invisible characters";
        let found = self.in_capitals(decoded);
        if let Some(key) = found.first() {
            return Some(Help::new(format!("{DETAIL}; decoded, it is `{key}`"), found));
        }
        let help = match decoded.split_once(':').map(|(exchange, symbol)| (Exchange::parse(exchange), symbol)) {
            Some((Some(exchange), symbol)) => self.on_exchange(exchange, &symbol.trim().to_uppercase()),
            _ => self.meant(decoded),
        };
        help.map(|help| Help::new(format!("{DETAIL}; {}", help.detail), help.suggestions))
    }

    /// Describes the instruments that a text names by an ISIN, by a number of an exchange or by a token.
    fn named(&self, text: &str, exchange: Option<Exchange>) -> Option<Help> {
        let written = text.to_uppercase();
        let found = match exchange {
            Some(_) => self.catalogue.named_on(exchange, &written).map(|found| (found, written.as_str())),
            None => {
                let named = |text| Some((self.catalogue.named(text)?, text));
                // Tokens of indices contain names in small letters.
                named(text).or_else(|| named(&written))
            }
        };
        let ((name, mut ids), written) = found?;
        let first = *ids.first()?;
        let owner = self.catalogue.get(first);
        let shown = written.rsplit_once(['|', ':']).map_or(written, |(_, rest)| rest);
        if name == Name::ExchangeNumber && exchange == Some(Exchange::Nse) && owner.exchange() != Exchange::Nse {
            // The security is also listed on the exchange of the key.
            let group = owner.group();
            ids = if group == first { vec![first] } else { vec![group, first] };
        }
        let (keys, quoted) = self.keys_of(&ids);
        let of_owner = format!("`{}`", owner.key());
        let detail = match name {
            Name::Isin => format!("`{shown}` is the ISIN of {}", and(&quoted)),
            Name::ExchangeNumber if owner.exchange() == Exchange::Bse => {
                format!("`{shown}` is the scrip code of {of_owner}")
            }
            Name::ExchangeNumber => format!("`{shown}` is the exchange token of {of_owner}"),
            Name::Token(broker) => format!("`{written}` is the token of {of_owner} at {}", broker.as_str()),
        };
        Some(Help::new(detail, keys))
    }

    /// Describes the instrument on an exchange that a symbol in capital letters names.
    fn on_exchange(&self, exchange: Exchange, symbol: &str) -> Option<Help> {
        let key = format!("{exchange}:{symbol}");
        if self.catalogue.find(&key).is_some() {
            return Some(Help::new(format!("the key is `{key}`"), vec![key]));
        }
        self.listed_anywhere(symbol).or_else(|| self.explain(exchange, symbol))
    }

    /// Describes the instruments with a symbol in capital letters on all exchanges, also if it has a suffix or is
    /// spelled in another way.
    fn anywhere(&self, symbol: &str) -> Option<Help> {
        let listed = self.listed_anywhere(symbol).or_else(|| self.of_yahoo(symbol)).or_else(|| self.of_series(symbol));
        listed.or_else(|| spellings(symbol).iter().find_map(|spelling| self.listed_anywhere(spelling)))
    }

    /// Describes the instruments that a symbol resembles.
    fn similar(&self, symbol: &str) -> Option<Help> {
        let exchanges = [Exchange::Nse, Exchange::Bse, Exchange::Mcx, Exchange::Cds].into_iter();
        exchanges.filter_map(|exchange| self.explain(exchange, symbol)).find(|help| !help.suggestions.is_empty())
    }

    /// Describes a symbol with the suffix of Yahoo for an exchange.
    fn of_yahoo(&self, symbol: &str) -> Option<Help> {
        let (stem, exchange) = without_yahoo_suffix(symbol)?;
        self.on_exchange(exchange, stem)
    }

    /// Describes a symbol with a series but without an exchange.
    fn of_series(&self, symbol: &str) -> Option<Help> {
        let (stem, series) = without_series(symbol)?;
        let mut ids = self.listed(stem);
        let has_series = |id: &InstrumentId| {
            let instrument = self.catalogue.get(*id);
            match (instrument.series(), instrument.exchange()) {
                (Some(own), _) => own == series,
                // Kite's file has no series for ordinary shares.
                (None, exchange) => exchange == Exchange::Nse && series == "EQ",
            }
        };
        // Groups of BSE have one letter in most cases, series of NSE two.
        let exchange = if series.len() == 1 { Exchange::Bse } else { Exchange::Nse };
        ids.sort_by_key(|id| self.catalogue.get(*id).exchange() != exchange);
        if ids.iter().any(has_series) {
            ids.retain(has_series);
        }
        let (keys, quoted) = self.keys_of(&ids);
        let verb = if keys.len() > 1 { "are" } else { "is" };
        (!keys.is_empty()).then(|| Help::new(format!("{} {verb} listed without a series suffix", and(&quoted)), keys))
    }

    /// Describes a text with symbol and exchange in the reverse order.
    fn reversed(&self, text: &str) -> Option<Help> {
        let (symbol, exchange) = text.rsplit_once(':')?;
        let exchange = Exchange::parse(exchange).or_else(|| exchange_of_segment(exchange))?;
        let key = format!("{exchange}:{symbol}");
        self.catalogue.find(&key)?;
        Some(Help::new(format!("the exchange precedes the symbol: `{key}`"), vec![key]))
    }

    /// Returns the instruments with a symbol, the most likely exchange first.
    fn listed(&self, symbol: &str) -> Vec<InstrumentId> {
        LIKELY_EXCHANGES.iter().filter_map(|exchange| self.catalogue.find(&format!("{exchange}:{symbol}"))).collect()
    }

    fn listed_anywhere(&self, symbol: &str) -> Option<Help> {
        let ids = self.listed(symbol);
        let exchanges: Vec<String> = ids.iter().map(|id| self.catalogue.get(*id).exchange().to_string()).collect();
        let (keys, _) = self.keys_of(&ids);
        (!keys.is_empty()).then(|| Help::new(format!("`{symbol}` is listed on {}", and(&exchanges)), keys))
    }

    /// Returns the keys of the first instruments, and the same in quotes.
    fn keys_of(&self, ids: &[InstrumentId]) -> (Vec<String>, Vec<String>) {
        let keys = ids.iter().take(SUGGESTIONS_MAX).map(|id| self.catalogue.key(*id).to_owned());
        keys.map(|key| (key.clone(), format!("`{key}`"))).unzip()
    }
}

/// Returns the help, unless it has no suggestion and the text is an unknown token.
fn unknown_token_or(help: Option<Help>, unknown_token: impl Fn() -> Option<Help>) -> Option<Help> {
    match help {
        Some(help) if !help.suggestions.is_empty() => Some(help),
        other => unknown_token().or(other),
    }
}

/// Splits a text in capital letters after the name of an exchange or a segment.
fn parts(text: &str) -> KeyParts<'_> {
    // A name may contain a separator itself: `NSE_EQ`, `NFO-OPT`.
    let splits = text.char_indices().filter(|(_, c)| SEPARATORS.contains(c));
    let named = splits.filter_map(|(at, c)| {
        let word = text[..at].trim_end();
        let own = Exchange::parse(word);
        let exchange = own.or_else(|| exchange_of_segment(word))?;
        let segment = own.is_none().then_some(word);
        Some((matches!(c, ':' | '|'), KeyParts { segment, exchange: Some(exchange), symbol: text[at + 1..].trim() }))
    });
    // The longest name counts, and a colon or a bar always separates.
    let found = named.max_by_key(|(is_separator, parts)| (*is_separator, parts.segment.is_some()));
    match found {
        Some((_, parts)) if !parts.symbol.is_empty() => parts,
        _ => KeyParts { segment: None, exchange: None, symbol: text.trim_start_matches(':').trim() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Builder, Catalogue};
    use crate::testing::{equity, future, index};
    use crate::vocabulary::Broker;

    fn catalogue() -> Catalogue {
        let mut builder = Builder::new();
        for (symbol, isin) in [("RELIANCE", "INE002A01018"), ("SBIN", "INE062A01020"), ("M&M", "INE101A01026")] {
            builder.add(equity("NSE", symbol, isin), true);
            let mut of_bse = equity("BSE", symbol, isin);
            of_bse.series = Some("A".into());
            builder.add(of_bse, true);
        }
        builder.add(equity("NSE", "LT", "INE018A01030"), true);
        builder.add(equity("NSE", "BSE", "INE118H01025"), true);
        builder.add(equity("BSE", "ONLYBSE", "INE000B01019"), true);
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        builder.add(future("NIFTY", "NIFTY26DECFUT", "2026-12-29"), true);
        for (broker, key, token) in [
            (Broker::Kite, "NSE:RELIANCE", "738561"),
            (Broker::Dhan, "BSE:RELIANCE", "BSE_EQ|500325"),
            (Broker::Dhan, "BSE:ONLYBSE", "BSE_EQ|500999"),
            (Broker::Upstox, "NFO:NIFTY26DECFUT", "NSE_FO|12345"),
            (Broker::Upstox, "NSE:NIFTY 50", "NSE_INDEX|Nifty 50"),
            (Broker::Nuvama, "NFO:NIFTY26DECFUT", "12345_NFO"),
        ] {
            builder.add_token(broker, key.to_owned(), token);
        }
        builder.build("1".into(), vec![])
    }

    fn help_for(catalogue: &Catalogue, key: &str) -> Help {
        Helper::new(catalogue, "2026-11-24".parse().unwrap()).unknown(key)
    }

    const NO_COLON: &str = "missing colon; expected `EXCHANGE:SYMBOL`; ";
    const EXCHANGE: &str = "the exchange before the colon must be capital letters and digits; ";

    #[test]
    fn keys_in_other_forms_are_resolved() {
        let catalogue = catalogue();
        for (key, fault, detail, suggestions) in [
            ("NSE:INE002A01018", "", "`INE002A01018` is the ISIN of `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("BSE:INE002A01018", "", "`INE002A01018` is the ISIN of `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("NSE:ine002a01018", "", "`INE002A01018` is the ISIN of `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("NSE:INE000B01019", "", "`INE000B01019` is the ISIN of `BSE:ONLYBSE`", vec!["BSE:ONLYBSE"]),
            (
                "INE002A01018",
                NO_COLON,
                "`INE002A01018` is the ISIN of `NSE:RELIANCE` and `BSE:RELIANCE`",
                vec!["NSE:RELIANCE", "BSE:RELIANCE"],
            ),
            ("NSE_EQ|INE002A01018", NO_COLON, "`INE002A01018` is the ISIN of `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            (
                "NSE_FO|12345",
                NO_COLON,
                "`NSE_FO|12345` is the token of `NFO:NIFTY26DECFUT` at upstox",
                vec!["NFO:NIFTY26DECFUT"],
            ),
            (
                "NSE_INDEX|Nifty 50",
                NO_COLON,
                "`NSE_INDEX|Nifty 50` is the token of `NSE:NIFTY 50` at upstox",
                vec!["NSE:NIFTY 50"],
            ),
            (
                "12345_NFO",
                NO_COLON,
                "`12345_NFO` is the token of `NFO:NIFTY26DECFUT` at nuvama",
                vec!["NFO:NIFTY26DECFUT"],
            ),
            ("738561", NO_COLON, "`738561` is the token of `NSE:RELIANCE` at kite", vec!["NSE:RELIANCE"]),
            ("RELIANCE", NO_COLON, "`RELIANCE` is listed on NSE and BSE", vec!["NSE:RELIANCE", "BSE:RELIANCE"]),
            (" reliance ", NO_COLON, "`RELIANCE` is listed on NSE and BSE", vec!["NSE:RELIANCE", "BSE:RELIANCE"]),
            ("NIFTY26DECFUT", NO_COLON, "`NIFTY26DECFUT` is listed on NFO", vec!["NFO:NIFTY26DECFUT"]),
            ("RELAINCE", NO_COLON, "instrument not in the catalog; nearest: `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("L&T", NO_COLON, "`LT` is listed on NSE", vec!["NSE:LT"]),
            ("NSE:L&T", "", "instrument not in the catalog; similar: `NSE:LT`", vec!["NSE:LT"]),
            (
                "NSE_EQ:RELIANCE",
                EXCHANGE,
                "`NSE_EQ` is a segment of NSE; the key is `NSE:RELIANCE`",
                vec!["NSE:RELIANCE"],
            ),
            (
                "BSE_EQ:RELIANCE",
                EXCHANGE,
                "`BSE_EQ` is a segment of BSE; the key is `BSE:RELIANCE`",
                vec!["BSE:RELIANCE"],
            ),
            (
                "NSE_FNO:NIFTY26DECFUT",
                EXCHANGE,
                "`NSE_FNO` is a segment of NFO; the key is `NFO:NIFTY26DECFUT`",
                vec!["NFO:NIFTY26DECFUT"],
            ),
            (
                "NSEEQ:RELIANCE",
                "unknown exchange `NSEEQ`; ",
                "`NSEEQ` is a segment of NSE; the key is `NSE:RELIANCE`",
                vec!["NSE:RELIANCE"],
            ),
            (
                "NSE_EQ:ONLYBSE",
                EXCHANGE,
                "`NSE_EQ` is a segment of NSE; `ONLYBSE` is listed on BSE",
                vec!["BSE:ONLYBSE"],
            ),
            (
                "NSE_INDEX:nifty 50",
                EXCHANGE,
                "`NSE_INDEX` is a segment of NSE; the key is `NSE:NIFTY 50`",
                vec!["NSE:NIFTY 50"],
            ),
            ("RELIANCE.NS", NO_COLON, "the key is `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("reliance.bo", NO_COLON, "the key is `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("500325.BO", NO_COLON, "`500325` is the scrip code of `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("NSE:RELIANCE.NS", "", "the key is `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            (
                "NSE:M&amp;M",
                "",
                "the key contains encoded or invisible characters; decoded, it is `NSE:M&M`",
                vec!["NSE:M&M"],
            ),
            (
                "NSE:M%26M",
                "",
                "the key contains encoded or invisible characters; decoded, it is `NSE:M&M`",
                vec!["NSE:M&M"],
            ),
            (
                "nse%3Am%26m",
                NO_COLON,
                "the key contains encoded or invisible characters; decoded, it is `NSE:M&M`",
                vec!["NSE:M&M"],
            ),
            (
                "NSE:RELI\u{200b}ANCE",
                "the symbol contains an unprintable character; ",
                "the key contains encoded or invisible characters; decoded, it is `NSE:RELIANCE`",
                vec!["NSE:RELIANCE"],
            ),
            ("SBIN-EQ", NO_COLON, "`NSE:SBIN` is listed without a series suffix", vec!["NSE:SBIN"]),
            ("sbin-a", NO_COLON, "`BSE:SBIN` is listed without a series suffix", vec!["BSE:SBIN"]),
            ("BSE-EQ", NO_COLON, "`NSE:BSE` is listed without a series suffix", vec!["NSE:BSE"]),
            (
                "NSE:SBIN-EQ",
                "",
                "instrument not in the catalog; `NSE:SBIN` is listed without a series suffix",
                vec!["NSE:SBIN"],
            ),
            (
                "nse:sbin-eq",
                EXCHANGE,
                "instrument not in the catalog; `NSE:SBIN` is listed without a series suffix",
                vec!["NSE:SBIN"],
            ),
            (
                "BSE:SBIN-A",
                "",
                "instrument not in the catalog; `BSE:SBIN` is listed without a series suffix",
                vec!["BSE:SBIN"],
            ),
            ("BSE:500325", "", "`500325` is the scrip code of `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("500325", NO_COLON, "`500325` is the scrip code of `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("BSE|500325", NO_COLON, "`500325` is the scrip code of `BSE:RELIANCE`", vec!["BSE:RELIANCE"]),
            ("NSE:500325", "", "`500325` is the scrip code of `BSE:RELIANCE`", vec!["NSE:RELIANCE", "BSE:RELIANCE"]),
            ("NSE:500999", "", "`500999` is the scrip code of `BSE:ONLYBSE`", vec!["BSE:ONLYBSE"]),
            ("NSE:2885", "", "`2885` is the exchange token of `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            (
                "RELIANCE:NSE",
                "unknown exchange `RELIANCE`; ",
                "the exchange precedes the symbol: `NSE:RELIANCE`",
                vec!["NSE:RELIANCE"],
            ),
            ("NSE-RELIANCE", NO_COLON, "the key is `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("NSE : RELIANCE", EXCHANGE, "the key is `NSE:RELIANCE`", vec!["NSE:RELIANCE"]),
            ("NSE: RELIANCE ", "", "symbols neither start nor end with a space", vec!["NSE:RELIANCE"]),
        ] {
            let help = help_for(&catalogue, key);

            assert_eq!(help.detail, format!("{fault}{detail}"), "{key}");
            assert_eq!(help.suggestions, suggestions, "{key}");
        }
    }

    #[test]
    fn texts_that_name_nothing_keep_their_fault() {
        let catalogue = catalogue();
        for (key, detail) in [
            ("", "missing colon; expected `EXCHANGE:SYMBOL`"),
            (":", "the exchange before the colon must be capital letters and digits"),
            ("NSE:", "missing symbol after the colon"),
            ("QQQQQQ", "missing colon; expected `EXCHANGE:SYMBOL`"),
            ("NSE_EQ|INE999A01018", "missing colon; expected `EXCHANGE:SYMBOL`"),
            ("NSE:INE999A01018", "instrument not in the catalog"),
            ("BSE:599999", "instrument not in the catalog"),
        ] {
            assert_eq!(help_for(&catalogue, key), Help::new(detail, Vec::new()), "{key}");
        }
        assert_eq!(
            help_for(&catalogue, "NSE_FO|54321").detail,
            format!("{NO_COLON}`NSE_FO` is a segment of NFO; no last accepted file contains the token `NSE_FO|54321`")
        );
    }
}
