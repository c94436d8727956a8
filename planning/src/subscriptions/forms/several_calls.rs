//! The forms of SDKs that have a call for each kind of data. If these are several functions, `call` names the one that
//! takes the other fields as its arguments.

use serde::Serialize;

use super::{Calls, Form, Place, Target, by_depth, price_and_depth};
use crate::vocabulary::Mode;

/// `fyers_apiv3` 3.2.0: `FyersDataSocket.subscribe(symbols, data_type)`, and on the endpoint of depth
/// `FyersTbtSocket.subscribe(symbol_tickers, channelNo, mode)`, whose mode is a `SubscriptionModes`.
pub(in crate::subscriptions) struct Fyers;

#[derive(Serialize)]
#[serde(untagged)]
enum FyersMessage<'a> {
    Data {
        symbols: Vec<&'a str>,
        data_type: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    TickByTick {
        #[serde(rename = "symbol_tickers")]
        symbol_tickers: Vec<&'a str>,
        channel_no: &'static str,
        mode: &'static str,
    },
}

/// The data of a subscription at Fyers.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::subscriptions) enum FyersData {
    Symbol,
    Depth,
    TickByTick,
}

impl<'a> Form<'a> for Fyers {
    type Call = FyersData;
    type Argument = &'a str;

    const TOKEN_EXAMPLE: &'static str = "NSE:TCS-EQ";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let token = target.token;
        match target.mode {
            // The SDK rejects the depth of an index.
            Mode::Full if !target.is_index() => price_and_depth(FyersData::Symbol, FyersData::Depth, token),
            Mode::Ltp | Mode::Greeks | Mode::Quote | Mode::Full => {
                [token.map(|token| (FyersData::Symbol, token)), None]
            }
            _ => [token.map(|token| (FyersData::TickByTick, token)), None],
        }
    }

    fn message(call: FyersData, symbols: Vec<&'a str>, _: Place) -> impl Serialize {
        match call {
            FyersData::Symbol => FyersMessage::Data { symbols, data_type: "SymbolUpdate" },
            FyersData::Depth => FyersMessage::Data { symbols, data_type: "DepthUpdate" },
            FyersData::TickByTick => {
                FyersMessage::TickByTick { symbol_tickers: symbols, channel_no: "1", mode: "depth" }
            }
        }
    }
}

/// growwapi 1.5.0: `GrowwFeed.subscribe_ltp(instrument_list)`, `.subscribe_market_depth` and `.subscribe_index_value`.
/// The SDK has no subject for commodities.
pub(in crate::subscriptions) struct Groww;

#[derive(Serialize)]
struct GrowwMessage<'a> {
    call: &'static str,
    instrument_list: Vec<GrowwInstrument<'a>>,
}

#[derive(Clone, Copy, Serialize)]
pub(in crate::subscriptions) struct GrowwInstrument<'a> {
    exchange: &'a str,
    segment: &'a str,
    exchange_token: &'a str,
}

impl<'a> GrowwInstrument<'a> {
    /// Parses a token such as `NSE|FNO|52175`.
    fn parse(token: &'a str) -> Option<Self> {
        let (exchange, rest) = token.split_once('|')?;
        let (segment, exchange_token) = rest.split_once('|')?;
        let has_subject = matches!(exchange, "NSE" | "BSE") && matches!(segment, "CASH" | "FNO");
        has_subject.then_some(GrowwInstrument { exchange, segment, exchange_token })
    }
}

impl<'a> Form<'a> for Groww {
    type Call = &'static str;
    type Argument = GrowwInstrument<'a>;

    const TOKEN_EXAMPLE: &'static str = "NSE|CASH|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let instrument = target.token.and_then(GrowwInstrument::parse);
        match target.mode {
            _ if target.is_index() => [instrument.map(|instrument| ("subscribe_index_value", instrument)), None],
            mode => by_depth(mode, "subscribe_ltp", "subscribe_market_depth", instrument),
        }
    }

    fn message(call: &'static str, instrument_list: Vec<GrowwInstrument<'a>>, _: Place) -> impl Serialize {
        GrowwMessage { call, instrument_list }
    }
}

/// `APIConnect` 2.0.12: `MiniQuoteFeed.subscribeMiniQuoteFeed(symbols, callBack)`,
/// `ReducedQuotesFeed.subscribeReducedQuotesFeed` and `DepthFeed.subscribeDepthFeed`.
pub(in crate::subscriptions) struct Nuvama;

#[derive(Serialize)]
struct NuvamaMessage<'a> {
    call: &'static str,
    symbols: Vec<&'a str>,
}

impl<'a> Form<'a> for Nuvama {
    type Call = &'static str;
    type Argument = &'a str;

    const TOKEN_EXAMPLE: &'static str = "11536_NSE";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let token = target.token;
        match target.mode {
            Mode::Ltp | Mode::Greeks => [token.map(|token| ("subscribeMiniQuoteFeed", token)), None],
            Mode::Quote => [token.map(|token| ("subscribeReducedQuotesFeed", token)), None],
            _ => price_and_depth("subscribeReducedQuotesFeed", "subscribeDepthFeed", token),
        }
    }

    fn message(call: &'static str, symbols: Vec<&'a str>, _: Place) -> impl Serialize {
        NuvamaMessage { call, symbols }
    }
}
