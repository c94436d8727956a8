//! Parses query parameters, and reports all faults at once.

use std::ops::RangeInclusive;

use axum::extract::Query;
use axum::http::Uri;
use registry_planning::json::{SHOWN_CHARACTERS_MAX, pointer_part, shortened};
use registry_planning::vocabulary::Word;

use super::body::{Fields, quoted};
use super::problem::{Fault, Problem};

/// Parses an integer of digits only.
pub(crate) fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The maximum `offset` of a list that is read from the database, which reads and drops the entries before the page.
const OFFSET_MAX: u64 = 10_000;

/// Whether a text can be the id of a user with at most `characters_max` characters.
pub(crate) fn is_user_id(text: &str, characters_max: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@:-".contains(&byte);
    (1..=characters_max).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The parameters of a query, and the faults found so far. Parameters that remain at the end are unknown.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Parameters {
    pub(crate) fn of(uri: &Uri) -> Self {
        // Most requests have no query, and most queries need no decoding.
        let query = uri.query().unwrap_or_default();
        if !query.contains(['%', '+']) {
            let pairs = query.split('&').filter(|pair| !pair.is_empty());
            let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            return Parameters { pairs, faults: Vec::new() };
        }
        match Query::<Vec<(String, String)>>::try_from_uri(uri) {
            Ok(Query(pairs)) => Parameters { pairs, faults: Vec::new() },
            Err(_) => {
                let fault = Fault { pointer: "/query".to_owned(), detail: "invalid query string".to_owned() };
                Parameters { pairs: Vec::new(), faults: vec![fault] }
            }
        }
    }

    /// Returns every fault, including unknown parameters.
    pub(crate) fn finish(mut self) -> Vec<Fault> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.fault(&name, "unknown parameter".to_owned());
        }
        self.faults
    }

    /// Ends the parsing of a request without a body.
    ///
    /// # Errors
    /// 422 with every fault, including unknown parameters.
    pub(crate) fn check(self) -> Result<(), Problem> {
        Fields::none().finish(self.finish())
    }

    pub(crate) fn fault(&mut self, name: &str, detail: String) {
        let pointer = format!("/query/{}", pointer_part(name));
        self.faults.push(Fault { pointer, detail });
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(other, _)| other == name)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let mut taken: Vec<String> =
            self.pairs.extract_if(.., |(other, _)| other == name).map(|(_, value)| value).collect();
        if taken.len() > 1 {
            self.fault(name, "duplicate parameter".to_owned());
            return None;
        }
        taken.pop()
    }

    /// Takes an optional parameter. `expected` describes what `parse` accepts.
    pub(crate) fn optional<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.optional_parsed(name, parse, |got| format!("expected {expected}, got {got}"))
    }

    pub(crate) fn within<T>(&mut self, name: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.optional(name, &expected, |text| whole(text).filter(|number| range.contains(number)))
    }

    /// Returns the `offset` of a list that has a cursor.
    pub(crate) fn offset(&mut self) -> Option<u64> {
        let parse = |text: &str| whole(text).filter(|offset| *offset <= OFFSET_MAX);
        let detail =
            |got| format!("expected an integer from 0 to {OFFSET_MAX}, got {got}; use `cursor` for later pages");
        self.optional_parsed("offset", parse, detail)
    }

    pub(crate) fn optional_word<T: Word>(&mut self, name: &str) -> Option<T> {
        self.optional_parsed(name, T::parse, |got| format!("expected one of {}, got {got}", T::WORDS))
    }

    fn optional_parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        detail: impl FnOnce(String) -> String,
    ) -> Option<T> {
        let text = self.take(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.fault(name, detail(quoted(&shortened(&text, SHOWN_CHARACTERS_MAX))));
        }
        parsed
    }

    pub(crate) fn user_id(&mut self) -> Option<String> {
        if !self.has("user_id") {
            self.fault("user_id", "is required".to_owned());
        }
        self.optional_user_id()
    }

    pub(crate) fn optional_user_id(&mut self) -> Option<String> {
        self.optional("user_id", "1 to 64 characters from `A–Z a–z 0–9 . _ @ : -`", |text| {
            is_user_id(text, 64).then(|| text.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_value_is_marked() {
        let uri: Uri = format!("/?limit={}", "x".repeat(81)).parse().unwrap();
        let mut parameters = Parameters::of(&uri);

        assert_eq!(parameters.optional("limit", "an integer", whole::<u32>), None);

        assert_eq!(parameters.finish()[0].detail, format!("expected an integer, got `{}…`", "x".repeat(80)));
    }
}
