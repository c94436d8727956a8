//! The arguments of the official Python SDK of each broker. A message serializes to them, in their order.
//!
//! An SDK has no word for each mode. A form then uses the lowest one of the SDK that includes the mode, else the
//! highest.

mod noren;
mod several_calls;
mod without_files;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub(super) use self::noren::{AliceBlue, Shoonya};
pub(super) use self::several_calls::{Fyers, Groww, Nuvama};
pub(super) use self::without_files::{Breeze, FivePaisa, Kotak};
use crate::vocabulary::{Mode, Segment};

/// An instrument to subscribe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) token: Option<&'a str>,
    pub(crate) segment: Option<Segment>,
    pub(crate) mode: Mode,
}

impl Target<'_> {
    fn is_index(&self) -> bool {
        use Segment::{BseIndex, GlobalIndex, McxIndex, NseIndex};
        matches!(self.segment, Some(NseIndex | BseIndex | McxIndex | GlobalIndex))
    }
}

/// The place of a message in the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) connection: u32,
    /// The number of the message on its connection, from 1.
    pub(super) number: usize,
}

/// The calls that subscribe one instrument: none if the SDK cannot subscribe it, two if the price and the depth are
/// separate data.
type Calls<'a, F> = [Option<(<F as Form<'a>>::Call, <F as Form<'a>>::Argument)>; 2];

/// The form of the messages of one broker.
pub(super) trait Form<'a>: Sized {
    /// The part of a call that all instruments of a message have in common.
    type Call: Copy + PartialEq;
    /// The part of a call that differs between instruments.
    type Argument;

    /// The maximum number of instruments in one call of the SDK.
    const INSTRUMENTS_MAX: usize = usize::MAX;
    /// A token of the broker's form. It replaces unknown tokens if messages are only counted.
    const TOKEN_EXAMPLE: &'static str;

    fn calls(target: &Target<'a>) -> Calls<'a, Self>;

    fn message(call: Self::Call, arguments: Vec<Self::Argument>, place: Place) -> impl Serialize;

    /// Returns the message that unsubscribes instruments.
    fn removal(call: Self::Call, arguments: Vec<Self::Argument>, place: Place) -> impl Serialize {
        Self::message(call, arguments, place)
    }

    /// Returns the message that changes the mode of subscribed instruments.
    fn change(call: Self::Call, arguments: Vec<Self::Argument>, place: Place) -> impl Serialize {
        Self::message(call, arguments, place)
    }

    /// Returns the number of messages that the SDK sends for one message of this form.
    fn sent(_arguments: &[Self::Argument]) -> u64 {
        1
    }
}

/// Whether the data of a mode has more than one level of depth.
fn has_depth(mode: Mode) -> bool {
    !matches!(mode, Mode::Ltp | Mode::Greeks | Mode::Quote)
}

/// Returns the calls for an instrument of a broker that sends the depth separately from the price: both if the mode has
/// depth.
fn by_depth<C, A: Copy>(mode: Mode, price: C, depth: C, argument: Option<A>) -> [Option<(C, A)>; 2] {
    if has_depth(mode) {
        return price_and_depth(price, depth, argument);
    }
    [argument.map(|argument| (price, argument)), None]
}

/// Returns the two calls for an instrument whose depth is separate from its price.
fn price_and_depth<C, A: Copy>(price: C, depth: C, argument: Option<A>) -> [Option<(C, A)>; 2] {
    [argument.map(|argument| (price, argument)), argument.map(|argument| (depth, argument))]
}

/// kiteconnect 5.2.2: `KiteTicker.subscribe(instrument_tokens)`, then `KiteTicker.set_mode(mode, instrument_tokens)`
/// for each entry of `modes`. `subscribe` sets the mode `quote`. `KiteTicker.unsubscribe(instrument_tokens)` removes
/// instruments.
pub(super) struct Kite;

#[derive(Serialize)]
struct KiteMessage {
    subscribe: Vec<u32>,
    modes: BTreeMap<&'static str, Vec<u32>>,
}

#[derive(Serialize)]
struct KiteRemoval {
    unsubscribe: Vec<u32>,
}

impl<'a> Form<'a> for Kite {
    type Call = ();
    type Argument = (u32, Option<&'static str>);

    const TOKEN_EXAMPLE: &'static str = "256265";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let mode = match target.mode {
            Mode::Ltp | Mode::Greeks => Some("ltp"),
            Mode::Quote => None,
            _ => Some("full"),
        };
        [target.token.and_then(|token| token.parse().ok()).map(|token| ((), (token, mode))), None]
    }

    fn message((): (), arguments: Vec<(u32, Option<&'static str>)>, _: Place) -> impl Serialize {
        let mut modes: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
        for (token, mode) in &arguments {
            if let Some(mode) = mode {
                modes.entry(mode).or_default().push(*token);
            }
        }
        KiteMessage { subscribe: arguments.into_iter().map(|(token, _)| token).collect(), modes }
    }

    fn removal((): (), arguments: Vec<(u32, Option<&'static str>)>, _: Place) -> impl Serialize {
        KiteRemoval { unsubscribe: arguments.into_iter().map(|(token, _)| token).collect() }
    }

    fn change((): (), arguments: Vec<(u32, Option<&'static str>)>, _: Place) -> impl Serialize {
        let mut modes: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
        for (token, mode) in arguments {
            modes.entry(mode.unwrap_or("quote")).or_default().push(token);
        }
        KiteMessage { subscribe: Vec::new(), modes }
    }

    fn sent(arguments: &[(u32, Option<&'static str>)]) -> u64 {
        let modes: BTreeSet<&str> = arguments.iter().filter_map(|(_, mode)| *mode).collect();
        1 + modes.len() as u64
    }
}

/// upstox-python-sdk 2.30.0: `MarketDataStreamerV3.subscribe(instrumentKeys, mode)`, `.unsubscribe(instrumentKeys)` and
/// `.change_mode(instrumentKeys, newMode)`.
pub(super) struct Upstox;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpstoxMessage<'a> {
    mode: &'static str,
    instrument_keys: Vec<&'a str>,
}

impl<'a> Form<'a> for Upstox {
    type Call = &'static str;
    type Argument = &'a str;

    const TOKEN_EXAMPLE: &'static str = "NSE_EQ|INE467B01029";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let mode = match target.mode {
            Mode::Ltp => "ltpc",
            Mode::Greeks => "option_greeks",
            Mode::Quote | Mode::Full => "full",
            _ => "full_d30",
        };
        [target.token.map(|token| (mode, token)), None]
    }

    fn message(mode: &'static str, instrument_keys: Vec<&'a str>, _: Place) -> impl Serialize {
        UpstoxMessage { mode, instrument_keys }
    }
}

/// dhanhq 2.3.0: `MarketFeed.subscribe_symbols(symbols)`, and on the endpoints of depth the argument `instruments` of
/// `FullDepth`. Both take tuples `(exchange, security_id, request_code)`.
pub(super) struct Dhan;

impl Dhan {
    /// Returns the number that the SDK has for a segment of the feed. It has none for NSE's commodities.
    fn exchange(segment: &str) -> Option<u8> {
        let numbers = [
            ("IDX_I", 0),
            ("NSE_EQ", 1),
            ("NSE_FNO", 2),
            ("NSE_CURRENCY", 3),
            ("BSE_EQ", 4),
            ("MCX_COMM", 5),
            ("BSE_CURRENCY", 7),
            ("BSE_FNO", 8),
        ];
        numbers.into_iter().find(|(word, _)| *word == segment).map(|(_, number)| number)
    }
}

impl<'a> Form<'a> for Dhan {
    type Call = u8;
    type Argument = (u8, &'a str);

    const TOKEN_EXAMPLE: &'static str = "NSE_EQ|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let request_code = match target.mode {
            Mode::Ltp | Mode::Greeks => 15,
            Mode::Quote => 17,
            Mode::Full => 21,
            _ => 23,
        };
        let parts = target.token.and_then(|token| token.split_once('|'));
        let instrument = parts.and_then(|(segment, id)| Some((Dhan::exchange(segment)?, id)));
        [instrument.map(|instrument| (request_code, instrument)), None]
    }

    fn message(request_code: u8, arguments: Vec<(u8, &'a str)>, _: Place) -> impl Serialize {
        arguments.into_iter().map(|(exchange, id)| (exchange, id, request_code)).collect::<Vec<_>>()
    }
}

/// smartapi-python 1.5.5: `SmartWebSocketV2.subscribe(correlation_id, mode, token_list)`.
pub(super) struct Angel;

#[derive(Serialize)]
struct AngelMessage<'a> {
    /// Ten letters and digits.
    correlation_id: String,
    mode: u8,
    #[serde(rename = "tokenList")]
    token_list: Vec<AngelTokens<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AngelTokens<'a> {
    exchange_type: u8,
    tokens: Vec<&'a str>,
}

impl Angel {
    /// Returns the number that the SDK has for a segment. It has none for BSE's currencies and NSE's commodities.
    fn exchange_type(segment: Segment) -> Option<u8> {
        match segment {
            Segment::NseEquity | Segment::NseIndex => Some(1),
            Segment::NseDerivative => Some(2),
            Segment::BseEquity | Segment::BseIndex => Some(3),
            Segment::BseDerivative => Some(4),
            Segment::McxCommodity | Segment::McxIndex => Some(5),
            Segment::NseCurrency => Some(13),
            _ => None,
        }
    }
}

impl<'a> Form<'a> for Angel {
    type Call = u8;
    type Argument = (u8, &'a str);

    const TOKEN_EXAMPLE: &'static str = "NSE|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let mode = match target.mode {
            Mode::Ltp | Mode::Greeks => 1,
            Mode::Quote => 2,
            Mode::Full => 3,
            _ => 4,
        };
        let id = target.token.and_then(|token| token.split_once('|')).map(|(_, id)| id);
        let exchange_type = target.segment.and_then(Angel::exchange_type);
        [exchange_type.zip(id).map(|argument| (mode, argument)), None]
    }

    fn message(mode: u8, arguments: Vec<(u8, &'a str)>, place: Place) -> impl Serialize {
        let mut token_list: Vec<AngelTokens<'a>> = Vec::new();
        for (exchange_type, id) in arguments {
            match token_list.iter_mut().find(|of| of.exchange_type == exchange_type) {
                Some(of) => of.tokens.push(id),
                None => token_list.push(AngelTokens { exchange_type, tokens: vec![id] }),
            }
        }
        let Place { connection, number } = place;
        AngelMessage { correlation_id: format!("c{connection:03}m{number:05}"), mode, token_list }
    }
}
