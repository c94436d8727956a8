//! Parses the items of a plan request.
//!
//! A request may have 20,000 items, and most have no fault. They are decoded in one pass over the text; only if a fault
//! or an unusual form is found, each item is read field by field, which takes several times as long.

use std::fmt;

use registry_planning::catalogue::search::{DocumentFault, SELECTORS_MAX, Selector};
use registry_planning::feed::{ItemDefaults, PRIORITY_MAX};
use registry_planning::instrument::KEY_CHARACTERS_MAX;
use registry_planning::source::{ItemInstruments, ItemOptions, PlanItem};
use registry_planning::vocabulary::Mode;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::body::Fields;

const ITEMS_MAX: usize = 20_000;

/// Takes the items, which can be absent.
pub(super) fn items(fields: &mut Fields<'_>, defaults: ItemDefaults) -> Option<Vec<PlanItem>> {
    let value = fields.optional_raw("items")?;
    let items = plain_items(value, defaults)
        .or_else(|| fields.objects_within("items", value, (1, ITEMS_MAX), |item| read_item(item, defaults)))?;
    let selectors = items.iter().filter(|item| matches!(item.instruments, ItemInstruments::Selector(_))).count();
    if selectors > SELECTORS_MAX {
        fields.fault("items", format!("expected at most {SELECTORS_MAX} selectors, got {selectors}"));
        return None;
    }
    Some(items)
}

/// Reads one item with all of its faults.
fn read_item(fields: &mut Fields<'_>, defaults: ItemDefaults) -> Option<PlanItem> {
    let (has_instrument, has_selector) = (fields.has("instrument"), fields.has("selector"));
    match (has_instrument, has_selector) {
        (true, true) => {
            fields.fault("selector", "cannot be combined with `instrument`; provide exactly one".to_owned());
        }
        (false, false) => fields.fault_of_all("expected exactly one of `instrument`, `selector`"),
        _ => {}
    }
    let key = fields.optional_text("instrument", 1, KEY_CHARACTERS_MAX);
    let selector = fields.optional_value("selector").and_then(|value| {
        let mut faults = Vec::new();
        let selector = Selector::read(&value, "/selector", &mut faults);
        faults.into_iter().for_each(|DocumentFault { pointer, detail }| fields.fault_at(&pointer, detail));
        selector
    });
    let options = ItemOptions {
        mode: fields.optional_word("mode"),
        min_mode: fields.optional_word("min_mode"),
        priority: fields.optional_integer("priority", 0, PRIORITY_MAX).unwrap_or_default(),
        is_pinned: fields.optional_bool("pinned").unwrap_or_default(),
    };
    for (name, detail) in options.faults(defaults) {
        fields.fault(name, detail);
    }
    let instruments = match (key, selector) {
        (Some(key), None) => ItemInstruments::Key(key),
        (None, Some(selector)) => ItemInstruments::Selector(Box::new(selector)),
        _ => return None,
    };
    Some(PlanItem { instruments, options })
}

/// Returns the items if they are free of faults, and have no unusual form such as a priority of `9.0`.
fn plain_items(value: &RawValue, defaults: ItemDefaults) -> Option<Vec<PlanItem>> {
    serde_json::Deserializer::from_str(value.get()).deserialize_seq(PlainItems(defaults)).ok()
}

struct PlainItems(ItemDefaults);

impl<'de> Visitor<'de> for PlainItems {
    type Value = Vec<PlanItem>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<PlainItem<'de>>()? {
            // The reason is not used: the items are read again.
            let item = item.checked(self.0).filter(|_| items.len() < ITEMS_MAX);
            items.push(item.ok_or_else(|| A::Error::custom("fault"))?);
        }
        if items.is_empty() { Err(A::Error::custom("no items")) } else { Ok(items) }
    }
}

/// An item whose fields have the right types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainItem<'a> {
    instrument: Option<String>,
    #[serde(borrow)]
    selector: Option<&'a RawValue>,
    mode: Option<Mode>,
    min_mode: Option<Mode>,
    priority: Option<u32>,
    pinned: Option<bool>,
}

impl PlainItem<'_> {
    /// Returns the item; `None` if it has a fault.
    fn checked(self, defaults: ItemDefaults) -> Option<PlanItem> {
        let instruments = match (self.instrument, self.selector) {
            // A key of that many bytes has at most that many characters.
            (Some(key), None) if (1..=KEY_CHARACTERS_MAX).contains(&key.len()) && !key.contains('\0') => {
                ItemInstruments::Key(key)
            }
            (None, Some(selector)) => {
                let value = serde_json::from_str(selector.get()).ok()?;
                ItemInstruments::Selector(Box::new(Selector::read(&value, "", &mut Vec::new())?))
            }
            _ => return None,
        };
        let options = ItemOptions {
            mode: self.mode,
            min_mode: self.min_mode,
            priority: self.priority.unwrap_or_default(),
            is_pinned: self.pinned.unwrap_or_default(),
        };
        let is_good = options.priority <= PRIORITY_MAX && options.faults(defaults).next().is_none();
        is_good.then_some(PlanItem { instruments, options })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::http::body::JsonBody;

    const DEFAULTS: ItemDefaults =
        ItemDefaults { has_broker: true, mode: Some(Mode::Quote), min_mode: None, has_no_mode: false };

    /// Returns the items of a list, and the faults as text. The list is read field by field if `is_slow`.
    fn read_list(list: &str, defaults: ItemDefaults, is_slow: bool) -> (Option<Vec<PlanItem>>, Vec<String>) {
        let body = JsonBody::of(Bytes::from(format!("{{\"items\": {list}}}")));
        let mut fields = body.fields().unwrap();
        let read = if is_slow {
            let value = fields.optional_raw("items").unwrap();
            fields.objects_within("items", value, (1, ITEMS_MAX), |item| read_item(item, defaults))
        } else {
            items(&mut fields, defaults)
        };
        (read, fields.faults().iter().map(ToString::to_string).collect())
    }

    fn faults(list: &Value) -> Vec<String> {
        let (items, faults) = read_list(&list.to_string(), DEFAULTS, false);
        assert_eq!(items, None);
        faults
    }

    #[test]
    fn fast_and_slow_parsing_return_the_same_items() {
        for list in [
            r#"[{"instrument": "NSE:TCS"}]"#,
            r#"[{"instrument": "NSE:M\u0026M", "mode": "full", "min_mode": "quote", "priority": 1000, "pinned": true}]"#,
            r#"[{"selector": {"underlying": "nifty", "expiries": 2}, "priority": 0}, {"instrument": "x", "mode": null}]"#,
        ] {
            let (items, faults) = read_list(list, DEFAULTS, true);
            let value: &RawValue = serde_json::from_str(list).unwrap();

            assert!(faults.is_empty() && items.is_some(), "{faults:?}");
            assert_eq!(plain_items(value, DEFAULTS), items, "{list}");
        }
    }

    #[test]
    fn unusual_json_forms_are_parsed() {
        let long = "é".repeat(100);
        let list = format!(r#"[{{"instrument": "NSE:TCS", "priority": 9.0}}, {{"instrument": "{long}"}}]"#);

        let (items, faults) = read_list(&list, DEFAULTS, false);

        assert_eq!(faults, [""; 0]);
        let items = items.unwrap();
        assert_eq!(items[0].options.priority, 9);
        assert_eq!(items[1].instruments, ItemInstruments::Key(long));
    }

    #[test]
    fn every_fault_of_an_item_has_its_pointer() {
        let list = json!([
            {"instrument": "NSE:TCS"},
            {"instrument": "", "priority": 1001, "pinned": "yes", "mode": "all", "extra": 1},
            {},
            5,
            {"instrument": "NSE:TCS", "selector": {"limit": 1}},
            {"instrument": "NSE:TCS", "min_mode": "full"},
            {"instrument": "NSE:TCS", "mode": "ltp", "min_mode": "quote"},
            {"instrument": "NSE:TCS\u{0}"},
        ]);

        assert_eq!(
            faults(&list),
            [
                "/items/1/instrument: expected 1 to 100 characters, got 0".to_owned(),
                format!("/items/1/mode: expected one of {}, got `all`", Mode::WORDS),
                "/items/1/priority: expected an integer from 0 to 1000, got 1001".to_owned(),
                "/items/1/pinned: expected a boolean, got a string".to_owned(),
                "/items/1/extra: unknown field".to_owned(),
                "/items/2: expected exactly one of `instrument`, `selector`".to_owned(),
                "/items/3: expected an object, got a number".to_owned(),
                "/items/4/selector: cannot be combined with `instrument`; provide exactly one".to_owned(),
                "/items/4/selector: expected at least one of `underlying`, `exchanges`, `instrument_types`".to_owned(),
                "/items/5/min_mode: expected a mode that `quote` includes (ltp, quote), got `full`".to_owned(),
                "/items/6/min_mode: expected a mode that `ltp` includes (ltp), got `quote`".to_owned(),
                "/items/7/instrument: must not contain the character U+0000".to_owned(),
            ]
        );
    }

    #[test]
    fn pins_and_lowest_modes_require_a_broker() {
        let defaults = ItemDefaults { has_broker: false, ..DEFAULTS };
        let list = json!([
            {"instrument": "NSE:TCS", "pinned": true, "min_mode": "ltp"},
            {"instrument": "NSE:INFY", "pinned": false, "priority": 5},
        ]);

        let (items, faults) = read_list(&list.to_string(), defaults, false);

        assert_eq!(items, None);
        assert_eq!(faults, ["/items/0/min_mode: requires `broker`", "/items/0/pinned: requires `broker`"]);
    }

    #[test]
    fn a_mode_must_include_the_lowest_mode_of_the_request() {
        let defaults = ItemDefaults { min_mode: Some(Mode::Quote), ..DEFAULTS };
        let list =
            json!([{"instrument": "NSE:A", "mode": "ltp"}, {"instrument": "NSE:B", "mode": "ltp", "min_mode": "ltp"}]);
        let without_mode = ItemDefaults { has_no_mode: true, ..defaults };

        let faults = read_list(&list.to_string(), defaults, false).1;

        assert_eq!(faults, ["/items/0/mode: expected a mode that includes `min_mode` (`quote`), got `ltp`"]);
        assert_eq!(read_list(&list.to_string(), without_mode, false).1, [""; 0]);
    }

    #[test]
    fn a_request_has_1_to_20000_items_and_20_selectors() {
        let of = |count: usize, item: &str| format!("[{}]", vec![item; count].join(","));
        let (item, selector) = (r#"{"instrument":"NSE:TCS"}"#, r#"{"selector":{"underlying":"TCS"}}"#);

        assert_eq!(read_list(&of(20_000, item), DEFAULTS, false).0.map(|items| items.len()), Some(20_000));
        assert_eq!(read_list(&of(20_001, item), DEFAULTS, false).1, ["/items: expected 1 to 20000 items, got 20001"]);
        assert_eq!(read_list("[]", DEFAULTS, false).1, ["/items: expected 1 to 20000 items, got 0"]);
        assert_eq!(read_list("{}", DEFAULTS, false).1, ["/items: expected an array of objects, got an object"]);
        assert_eq!(read_list(&of(20, selector), DEFAULTS, false).0.map(|items| items.len()), Some(20));
        assert_eq!(read_list(&of(21, selector), DEFAULTS, false).1, ["/items: expected at most 20 selectors, got 21"]);
    }

    #[test]
    fn only_the_first_faulty_items_are_listed() {
        let (_, faults) = read_list(&format!("[{}]", vec!["{}"; 150].join(",")), DEFAULTS, false);

        assert_eq!(faults.len(), 101);
        assert_eq!(faults[100], "/items: and 50 more invalid items");
    }
}
