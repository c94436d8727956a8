//! Other ways of writing symbols and exchanges: with spaces, with the suffixes of other services, encoded, or in the
//! words of traders.

use crate::vocabulary::Exchange;

/// The suffixes of Yahoo's symbols with the exchanges that they name.
pub(crate) const YAHOO_SUFFIXES: [(&str, Exchange); 2] = [(".NS", Exchange::Nse), (".BO", Exchange::Bse)];

/// The words for smaller contracts on the same commodity, with the ends of MCX's symbols for them.
const SMALLER_CONTRACTS: [(&str, [&str; 2]); 2] = [("MINI", ["M", "MINI"]), ("MICRO", ["MIC", "MICRO"])];

/// The names of commodities that differ from the start of the symbols of their contracts.
const COMMODITIES: [(&str, &str); 4] =
    [("ALUMINIUM", "ALU"), ("ALUMINUM", "ALU"), ("CRUDE", "CRUDEOIL"), ("NATURALGAS", "NATGAS")];

/// The words of brokers for segments, without their separators.
const SEGMENT_WORDS: [(&str, Exchange); 38] = [
    ("NSEEQ", Exchange::Nse),
    ("NSECM", Exchange::Nse),
    ("NSECASH", Exchange::Nse),
    ("NSEINDEX", Exchange::Nse),
    ("BSEEQ", Exchange::Bse),
    ("BSECM", Exchange::Bse),
    ("BSECASH", Exchange::Bse),
    ("BSEINDEX", Exchange::Bse),
    ("NSEFO", Exchange::Nfo),
    ("NSEFNO", Exchange::Nfo),
    ("NFOFUT", Exchange::Nfo),
    ("NFOOPT", Exchange::Nfo),
    ("BSEFO", Exchange::Bfo),
    ("BSEFNO", Exchange::Bfo),
    ("BFOFUT", Exchange::Bfo),
    ("BFOOPT", Exchange::Bfo),
    ("NCDFO", Exchange::Cds),
    ("CDEFO", Exchange::Cds),
    ("NSECD", Exchange::Cds),
    ("NSECDS", Exchange::Cds),
    ("NSECURRENCY", Exchange::Cds),
    ("CDSFUT", Exchange::Cds),
    ("CDSOPT", Exchange::Cds),
    ("BCDFO", Exchange::Bcd),
    ("BSECD", Exchange::Bcd),
    ("BSECURRENCY", Exchange::Bcd),
    ("BCDFUT", Exchange::Bcd),
    ("BCDOPT", Exchange::Bcd),
    ("MCXFO", Exchange::Mcx),
    ("MCXCOM", Exchange::Mcx),
    ("MCXCOMM", Exchange::Mcx),
    ("MCXINDEX", Exchange::Mcx),
    ("MCXFUT", Exchange::Mcx),
    ("MCXOPT", Exchange::Mcx),
    ("NSECOM", Exchange::Nco),
    ("NSECOMM", Exchange::Nco),
    ("GLOBALINDEX", Exchange::Global),
    ("NSEIX", Exchange::Nseix),
];

/// Returns the exchange of a segment that is written as brokers do: `NSE_EQ`, `nse_cm`, `NSE_FNO`, `NFO-OPT`.
pub(crate) fn exchange_of_segment(word: &str) -> Option<Exchange> {
    let dense = dense(&word.to_ascii_uppercase());
    SEGMENT_WORDS.iter().find(|(word, _)| *word == dense).map(|(_, exchange)| *exchange)
}

/// Returns other spellings of a symbol or a name in capital letters, the most likely first.
///
/// ```text
/// CRUDE OIL, BAJAJ AUTO, L&T     CRUDEOIL, BAJAJ-AUTO, LT
/// SBIN-EQ, RELIANCE.NS           SBIN, RELIANCE
/// CRUDEOIL MINI, SILVER MICRO    CRUDEOILM, SILVERMIC
/// ```
pub(crate) fn spellings(text: &str) -> Vec<String> {
    let mut spellings: Vec<String> = Vec::new();
    let mut add = |spelling: String| {
        if spelling.len() > 1 && spelling != text && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    add(words.concat());
    add(words.join("-"));
    if let Some((symbol, _)) = without_yahoo_suffix(text) {
        add(symbol.to_owned());
    }
    add(dense(text));
    if let Some((symbol, _)) = without_series(text) {
        add(symbol.to_owned());
    }
    smaller_contracts(&words).into_iter().for_each(&mut add);
    spellings
}

/// Returns the symbol and the exchange of a symbol in Yahoo's notation.
pub(crate) fn without_yahoo_suffix(text: &str) -> Option<(&str, Exchange)> {
    YAHOO_SUFFIXES.iter().find_map(|(suffix, exchange)| Some((text.strip_suffix(suffix)?, *exchange)))
}

/// Splits the series of NSE (`EQ`) or the group of BSE (`A`, `XT`) from a symbol.
pub(crate) fn without_series(text: &str) -> Option<(&str, &str)> {
    let (symbol, series) = text.rsplit_once('-')?;
    let is_series = (1..=2).contains(&series.len()) && series.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_series && !symbol.is_empty()).then_some((symbol, series))
}

/// Returns the possible symbols of a smaller contract on a commodity: of `CRUDE OIL MINI`, and also of `CRUDEOILMINI`.
fn smaller_contracts(words: &[&str]) -> Vec<String> {
    let found = SMALLER_CONTRACTS.iter().find_map(|(word, ends)| {
        let base = match words {
            [joined] => joined.strip_suffix(word)?.to_owned(),
            _ if words.contains(word) => words.iter().copied().filter(|other| other != word).collect(),
            _ => return None,
        };
        Some((base, ends))
    });
    let Some((base, ends)) = found else { return Vec::new() };
    let short = COMMODITIES.iter().find(|(name, _)| *name == base).map(|(_, short)| (*short).to_owned());
    let bases = [Some(base), short].into_iter().flatten();
    bases.flat_map(|base| ends.map(|end| format!("{base}{end}"))).collect()
}

/// Returns the letters and digits of a text.
fn dense(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The maximum number of times that a text is decoded.
const DECODED_MAX: usize = 3;

/// Decodes HTML entities and percent-encoding and removes zero-width characters, which keys contain if they were copied
/// from a web page or a URL. Returns `None` if the text does not change.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let once = |text: &String| Some(decoded_once(text)).filter(|decoded| decoded != text);
    let first = once(&text.to_owned())?;
    std::iter::successors(Some(first), once).take(DECODED_MAX).last()
}

fn decoded_once(text: &str) -> String {
    const ENTITIES: [(&str, char); 5] =
        [("&amp;", '&'), ("&#38;", '&'), ("&#x26;", '&'), ("&nbsp;", ' '), ("&#160;", ' ')];
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_next = |entity: &str| rest.get(..entity.len()).is_some_and(|start| start.eq_ignore_ascii_case(entity));
        let entity = if c == '&' { ENTITIES.iter().find(|(entity, _)| is_next(entity)) } else { None };
        let (length, c) = match (entity, percent_encoded(rest)) {
            (Some((entity, c)), _) => (entity.len(), Some(*c)),
            (None, Some(c)) => (3, Some(c)),
            (None, None) if c == '\u{a0}' => (c.len_utf8(), Some(' ')),
            (None, None) => (c.len_utf8(), Some(c).filter(|c| c.is_ascii() || c.is_alphanumeric())),
        };
        decoded.extend(c);
        rest = &rest[length..];
    }
    decoded
}

/// Returns the printable character that a text starts with in percent-encoding.
fn percent_encoded(text: &str) -> Option<char> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    matches!(byte, b' '..=b'~').then_some(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Segment;

    #[test]
    fn every_segment_names_its_exchange() {
        for segment in Segment::ALL {
            assert!(exchange_of_segment(segment.as_str()).is_some(), "{}", segment.as_str());
        }
        for (word, exchange) in [
            ("NSE_EQ", Exchange::Nse),
            ("NSE_INDEX", Exchange::Nse),
            ("BSE_EQ", Exchange::Bse),
            ("NSE_FO", Exchange::Nfo),
            ("BSE_FO", Exchange::Bfo),
            ("NCD_FO", Exchange::Cds),
            ("BCD_FO", Exchange::Bcd),
            ("NSE_COM", Exchange::Nco),
            ("MCX_FO", Exchange::Mcx),
            ("NSE_FNO", Exchange::Nfo),
            ("BSE_FNO", Exchange::Bfo),
            ("MCX_COMM", Exchange::Mcx),
            ("NSE_CURRENCY", Exchange::Cds),
            ("BSE_CURRENCY", Exchange::Bcd),
            ("nse_cm", Exchange::Nse),
            ("cde_fo", Exchange::Cds),
            ("NFO-OPT", Exchange::Nfo),
        ] {
            assert_eq!(exchange_of_segment(word), Some(exchange), "{word}");
        }
        assert_eq!(exchange_of_segment("NYSE"), None);
    }

    #[test]
    fn symbols_are_spelled_in_other_ways() {
        for (text, spelling) in [
            ("CRUDE OIL", "CRUDEOIL"),
            ("BAJAJ AUTO", "BAJAJ-AUTO"),
            ("M & M", "M&M"),
            ("L&T", "LT"),
            ("L & T", "LT"),
            ("SBIN-EQ", "SBIN"),
            ("500325-A", "500325"),
            ("RELIANCE.NS", "RELIANCE"),
            ("CRUDEOIL MINI", "CRUDEOILM"),
            ("CRUDE OIL MINI", "CRUDEOILM"),
            ("CRUDE MINI", "CRUDEOILM"),
            ("MINI CRUDE", "CRUDEOILM"),
            ("CRUDEOILMINI", "CRUDEOILM"),
            ("GOLD MINI", "GOLDM"),
            ("SILVER MINI", "SILVERM"),
            ("SILVER MICRO", "SILVERMIC"),
            ("NATURAL GAS MINI", "NATGASMINI"),
            ("ZINC MINI", "ZINCMINI"),
            ("LEAD MINI", "LEADMINI"),
            ("ALUMINIUM MINI", "ALUMINI"),
            ("GOLD PETAL", "GOLDPETAL"),
        ] {
            assert!(spellings(text).contains(&spelling.to_owned()), "{text}: {:?}", spellings(text));
        }
        for text in ["RELIANCE", "NIFTY26AUGFUT", "MINI", "-", ""] {
            assert_eq!(spellings(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn encoded_texts_are_decoded() {
        for (text, expected) in [
            ("NSE:M&amp;M", "NSE:M&M"),
            ("NSE:M&AMP;M", "NSE:M&M"),
            ("NSE:M&amp;amp;M", "NSE:M&M"),
            ("NSE:M&#38;M", "NSE:M&M"),
            ("NSE:M%26M", "NSE:M&M"),
            ("NSE:M%2526M", "NSE:M&M"),
            ("NSE%3ANIFTY%2050", "NSE:NIFTY 50"),
            ("NSE:NIFTY\u{a0}50", "NSE:NIFTY 50"),
            ("NSE:TC\u{200b}S", "NSE:TCS"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["NSE:M&M", "NSE:J&KBANK", "NSE:100%", "NSE:A%ZZ", "NSE:A%0A", "NSE:ÄÖ", ""] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
