//! The forms of brokers whose files the service does not read. Their tokens are written as the broker's own messages
//! write them.

use serde::Serialize;

use super::{Calls, Form, Place, Target, by_depth};

/// `neo_api_client` 2.0.2 (not on `PyPI`): `NeoAPI.subscribe(instrument_tokens, isIndex, isDepth)`. A token is
/// `nse_cm|11536`.
pub(in crate::subscriptions) struct Kotak;

#[derive(Serialize)]
struct KotakMessage<'a> {
    instrument_tokens: Vec<KotakInstrument<'a>>,
    #[serde(rename = "isIndex")]
    is_index: bool,
    #[serde(rename = "isDepth")]
    is_depth: bool,
}

#[derive(Clone, Copy, Serialize)]
pub(in crate::subscriptions) struct KotakInstrument<'a> {
    instrument_token: &'a str,
    exchange_segment: &'a str,
}

/// The data of a subscription at Kotak Neo.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::subscriptions) enum KotakData {
    Index,
    Price,
    Depth,
}

impl<'a> Form<'a> for Kotak {
    type Call = KotakData;
    type Argument = KotakInstrument<'a>;

    const TOKEN_EXAMPLE: &'static str = "nse_cm|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let parts = target.token.and_then(|token| token.split_once('|'));
        let instrument =
            parts.map(|(exchange_segment, instrument_token)| KotakInstrument { instrument_token, exchange_segment });
        match target.mode {
            _ if target.is_index() => [instrument.map(|instrument| (KotakData::Index, instrument)), None],
            mode => by_depth(mode, KotakData::Price, KotakData::Depth, instrument),
        }
    }

    fn message(data: KotakData, instrument_tokens: Vec<KotakInstrument<'a>>, _: Place) -> impl Serialize {
        KotakMessage { instrument_tokens, is_index: data == KotakData::Index, is_depth: data == KotakData::Depth }
    }
}

/// py5paisa 0.7.21.2: `FivePaisaClient.Request_Feed(Method, Operation, req_list)`, whose result `connect` sends. A
/// token is `N|C|1660`: exchange, type of exchange, and number.
pub(in crate::subscriptions) struct FivePaisa;

#[derive(Serialize)]
struct FivePaisaMessage<'a> {
    #[serde(rename = "Method")]
    method: &'static str,
    #[serde(rename = "Operation")]
    operation: &'static str,
    req_list: Vec<FivePaisaInstrument<'a>>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::subscriptions) struct FivePaisaInstrument<'a> {
    exch: &'a str,
    exch_type: &'a str,
    scrip_code: u32,
}

impl<'a> FivePaisaInstrument<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (exch, rest) = token.split_once('|')?;
        let (exch_type, code) = rest.split_once('|')?;
        Some(FivePaisaInstrument { exch, exch_type, scrip_code: code.parse().ok()? })
    }
}

impl<'a> Form<'a> for FivePaisa {
    type Call = &'static str;
    type Argument = FivePaisaInstrument<'a>;

    const TOKEN_EXAMPLE: &'static str = "N|C|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let instrument = target.token.and_then(FivePaisaInstrument::parse);
        by_depth(target.mode, "mf", "md", instrument)
    }

    fn message(method: &'static str, req_list: Vec<FivePaisaInstrument<'a>>, _: Place) -> impl Serialize {
        FivePaisaMessage { method, operation: "s", req_list }
    }
}

/// breeze-connect 1.0.69: `BreezeConnect.subscribe_feeds(stock_token)`, one instrument per call. A token is that of the
/// quotes, `4.1!2885`; that of the depth is `4.2!2885`.
pub(in crate::subscriptions) struct Breeze;

#[derive(Serialize)]
struct BreezeMessage {
    stock_token: String,
}

impl<'a> Form<'a> for Breeze {
    type Call = bool;
    type Argument = (&'a str, &'a str);

    const INSTRUMENTS_MAX: usize = 1;
    const TOKEN_EXAMPLE: &'static str = "4.1!11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let parts = target.token.and_then(|token| token.split_once(".1!"));
        by_depth(target.mode, false, true, parts)
    }

    fn message(is_depth: bool, arguments: Vec<(&'a str, &'a str)>, _: Place) -> impl Serialize {
        let kind = if is_depth { 2 } else { 1 };
        // There is one argument.
        let tokens = arguments.into_iter().map(|(exchange, id)| format!("{exchange}.{kind}!{id}"));
        BreezeMessage { stock_token: tokens.collect() }
    }
}
