//! The forms of brokers with the server of Noren, whose tokens are `NFO|45678`.

use serde::Serialize;

use super::{Calls, Form, Place, Target, has_depth};

/// norenrestapi 0.0.37: `NorenApi.subscribe(instrument, feed_type)`. The feed type is `FeedType.TOUCHLINE` (1) or
/// `FeedType.SNAPQUOTE` (2), which contains the touchline.
pub(in crate::subscriptions) struct Shoonya;

#[derive(Serialize)]
struct ShoonyaMessage<'a> {
    instrument: Vec<&'a str>,
    feed_type: u8,
}

impl<'a> Form<'a> for Shoonya {
    type Call = u8;
    type Argument = &'a str;

    const TOKEN_EXAMPLE: &'static str = "NSE|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let feed_type = if has_depth(target.mode) { 2 } else { 1 };
        [target.token.map(|token| (feed_type, token)), None]
    }

    fn message(feed_type: u8, instrument: Vec<&'a str>, _: Place) -> impl Serialize {
        ShoonyaMessage { instrument, feed_type }
    }
}

/// pya3 1.0.30: `Aliceblue.subscribe(instrument)`, whose instruments are `Instrument` with `exchange` and `token`. The
/// attribute `market_depth` of `Aliceblue` selects the data, as the feed types of Noren.
pub(in crate::subscriptions) struct AliceBlue;

#[derive(Serialize)]
struct AliceBlueMessage<'a> {
    instrument: Vec<AliceBlueInstrument<'a>>,
    market_depth: bool,
}

#[derive(Serialize)]
pub(in crate::subscriptions) struct AliceBlueInstrument<'a> {
    exchange: &'a str,
    token: &'a str,
}

impl<'a> Form<'a> for AliceBlue {
    type Call = bool;
    type Argument = AliceBlueInstrument<'a>;

    const TOKEN_EXAMPLE: &'static str = "NSE|11536";

    fn calls(target: &Target<'a>) -> Calls<'a, Self> {
        let parts = target.token.and_then(|token| token.split_once('|'));
        let instrument = parts.map(|(exchange, token)| AliceBlueInstrument { exchange, token });
        [instrument.map(|instrument| (has_depth(target.mode), instrument)), None]
    }

    fn message(market_depth: bool, instrument: Vec<AliceBlueInstrument<'a>>, _: Place) -> impl Serialize {
        AliceBlueMessage { instrument, market_depth }
    }
}
