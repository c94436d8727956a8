//! The exact messages of each broker, for one plan: an index, a share, a contract, and an instrument without a token.

use super::*;

const INDEX: (&str, Segment) = ("NSE:NIFTY 50", Segment::NseIndex);
const SHARE: (&str, Segment) = ("BSE:TCS", Segment::BseEquity);
const CONTRACT: (&str, Segment) = ("NFO:NIFTY26NOVFUT", Segment::NseDerivative);
const COMMODITY: (&str, Segment) = ("MCX:GOLD26DECFUT", Segment::McxCommodity);

/// Returns the messages of one connection with these tokens of the index, the share, the contract and the commodity, in
/// the modes `ltp`, `quote`, `full` and `full`. A fifth instrument has no token.
fn messages(broker: Broker, tokens: [&str; 4]) -> String {
    let instruments = [INDEX, SHARE, CONTRACT, COMMODITY];
    let mut listed: Vec<TestInstrument<'_>> =
        instruments.iter().zip(tokens).map(|((key, segment), token)| (*key, Some(token), Some(*segment))).collect();
    listed.push(("NSE:GONE", None, None));
    let modes = [Mode::Ltp, Mode::Quote, Mode::Full, Mode::Full, Mode::Ltp];
    let legs: Vec<_> = (0..).zip(modes).map(|(index, mode)| (index, 1, mode)).collect();
    let plan = subscribed_plan(broker, &listed, &[("desk", "market")], &legs);

    assert!(left_out(&plan).contains(&"NSE:GONE"));
    messages_of(&plan, "market")
}

fn messages_of(plan: &Plan, endpoint: &str) -> String {
    let written = connection(plan, 1, 100);
    let head = format!(r#"{{"connection":1,"account":"desk","endpoint":"{endpoint}","messages":"#);
    written.strip_prefix(&head).and_then(|rest| rest.strip_suffix('}')).expect(&written).to_owned()
}

/// Returns the messages of one instrument on an endpoint of depth.
fn depth_message(broker: Broker, token: &str, mode: Mode) -> String {
    let instruments = [("NSE:TCS", Some(token), Some(Segment::NseEquity))];
    let plan = subscribed_plan(broker, &instruments, &[("desk", "depth")], &[(0, 1, mode)]);
    messages_of(&plan, "depth")
}

#[test]
fn kite_gets_integers_and_modes_other_than_quote() {
    let expected =
        r#"[{"subscribe":[256265,136236548,13568258,127040519],"modes":{"full":[13568258,127040519],"ltp":[256265]}}]"#;
    assert_eq!(messages(Broker::Kite, ["256265", "136236548", "13568258", "127040519"]), expected);
}

#[test]
fn upstox_gets_one_mode_per_message() {
    let tokens = ["NSE_INDEX|Nifty 50", "BSE_EQ|INE467B01029", "NSE_FO|53001", "MCX_FO|449"];
    let expected = r#"[{"mode":"ltpc","instrumentKeys":["NSE_INDEX|Nifty 50"]},{"mode":"full","instrumentKeys":["BSE_EQ|INE467B01029","NSE_FO|53001","MCX_FO|449"]}]"#;
    assert_eq!(messages(Broker::Upstox, tokens), expected);
    let greeks = r#"[{"mode":"option_greeks","instrumentKeys":["A"]}]"#;
    assert_eq!(depth_message(Broker::Upstox, "A", Mode::Greeks), greeks);
    assert_eq!(depth_message(Broker::Upstox, "A", Mode::Depth30), r#"[{"mode":"full_d30","instrumentKeys":["A"]}]"#);
}

#[test]
fn dhan_gets_triples_with_integers() {
    let tokens = ["IDX_I|13", "BSE_EQ|532540", "NSE_FNO|53001", "MCX_COMM|449"];
    let expected = r#"[[[0,"13",15]],[[4,"532540",17]],[[2,"53001",21],[5,"449",21]]]"#;
    assert_eq!(messages(Broker::Dhan, tokens), expected);
    assert_eq!(depth_message(Broker::Dhan, "NSE_EQ|2885", Mode::Depth20), r#"[[[1,"2885",23]]]"#);
    assert_eq!(depth_message(Broker::Dhan, "NSE_EQ|2885", Mode::Depth200), r#"[[[1,"2885",23]]]"#);
}

#[test]
fn angel_gets_tokens_by_exchange_type() {
    let tokens = ["NSE|99926000", "BSE|532540", "NFO|53001", "MCX|449"];
    let expected = concat!(
        r#"[{"correlation_id":"c001m00001","mode":1,"tokenList":[{"exchangeType":1,"tokens":["99926000"]}]},"#,
        r#"{"correlation_id":"c001m00002","mode":2,"tokenList":[{"exchangeType":3,"tokens":["532540"]}]},"#,
        r#"{"correlation_id":"c001m00003","mode":3,"tokenList":[{"exchangeType":2,"tokens":["53001"]},{"exchangeType":5,"tokens":["449"]}]}]"#,
    );
    assert_eq!(messages(Broker::Angel, tokens), expected);
    let depth = r#"[{"correlation_id":"c001m00001","mode":4,"tokenList":[{"exchangeType":1,"tokens":["2885"]}]}]"#;
    assert_eq!(depth_message(Broker::Angel, "NSE|2885", Mode::Depth20), depth);
}

#[test]
fn fyers_gets_price_and_depth_separately() {
    let tokens = ["NSE:NIFTY50-INDEX", "BSE:TCS-A", "NSE:NIFTY26NOVFUT", "MCX:GOLD26DECFUT"];
    let expected = concat!(
        r#"[{"symbols":["NSE:NIFTY50-INDEX","BSE:TCS-A","NSE:NIFTY26NOVFUT","MCX:GOLD26DECFUT"],"data_type":"SymbolUpdate"},"#,
        r#"{"symbols":["NSE:NIFTY26NOVFUT","MCX:GOLD26DECFUT"],"data_type":"DepthUpdate"}]"#,
    );
    assert_eq!(messages(Broker::Fyers, tokens), expected);
    let depth = r#"[{"symbol_tickers":["NSE:TCS-EQ"],"channelNo":"1","mode":"depth"}]"#;
    assert_eq!(depth_message(Broker::Fyers, "NSE:TCS-EQ", Mode::Depth50), depth);
}

#[test]
fn groww_gets_indices_prices_and_depth_separately() {
    let tokens = ["NSE|CASH|NIFTY", "BSE|CASH|532540", "NSE|FNO|53001", "MCX|COMMODITY|449"];
    let expected = concat!(
        r#"[{"call":"subscribe_index_value","instrument_list":[{"exchange":"NSE","segment":"CASH","exchange_token":"NIFTY"}]},"#,
        r#"{"call":"subscribe_ltp","instrument_list":[{"exchange":"BSE","segment":"CASH","exchange_token":"532540"},{"exchange":"NSE","segment":"FNO","exchange_token":"53001"}]},"#,
        r#"{"call":"subscribe_market_depth","instrument_list":[{"exchange":"NSE","segment":"FNO","exchange_token":"53001"}]}]"#,
    );
    assert_eq!(messages(Broker::Groww, tokens), expected);
}

#[test]
fn nuvama_gets_a_call_per_kind_of_data() {
    let tokens = ["-29", "532540_BSE", "53001_NFO", "449_MCX"];
    let expected = concat!(
        r#"[{"call":"subscribeMiniQuoteFeed","symbols":["-29"]},"#,
        r#"{"call":"subscribeReducedQuotesFeed","symbols":["532540_BSE","53001_NFO","449_MCX"]},"#,
        r#"{"call":"subscribeDepthFeed","symbols":["53001_NFO","449_MCX"]}]"#,
    );
    assert_eq!(messages(Broker::Nuvama, tokens), expected);
}

#[test]
fn shoonya_gets_a_feed_type_per_message() {
    let tokens = ["NSE|26000", "BSE|532540", "NFO|53001", "MCX|449"];
    let expected = concat!(
        r#"[{"instrument":["NSE|26000","BSE|532540"],"feed_type":1},"#,
        r#"{"instrument":["NFO|53001","MCX|449"],"feed_type":2}]"#,
    );
    assert_eq!(messages(Broker::Shoonya, tokens), expected);
}

#[test]
fn aliceblue_gets_exchange_and_token_separately() {
    let tokens = ["NSE|26000", "BSE|532540", "NFO|53001", "MCX|449"];
    let expected = concat!(
        r#"[{"instrument":[{"exchange":"NSE","token":"26000"},{"exchange":"BSE","token":"532540"}],"market_depth":false},"#,
        r#"{"instrument":[{"exchange":"NFO","token":"53001"},{"exchange":"MCX","token":"449"}],"market_depth":true}]"#,
    );
    assert_eq!(messages(Broker::AliceBlue, tokens), expected);
}

#[test]
fn kotak_gets_indices_prices_and_depth_separately() {
    let tokens = ["nse_cm|Nifty 50", "bse_cm|532540", "nse_fo|53001", "mcx_fo|449"];
    let expected = concat!(
        r#"[{"instrument_tokens":[{"instrument_token":"Nifty 50","exchange_segment":"nse_cm"}],"isIndex":true,"isDepth":false},"#,
        r#"{"instrument_tokens":[{"instrument_token":"532540","exchange_segment":"bse_cm"},{"instrument_token":"53001","exchange_segment":"nse_fo"},{"instrument_token":"449","exchange_segment":"mcx_fo"}],"isIndex":false,"isDepth":false},"#,
        r#"{"instrument_tokens":[{"instrument_token":"53001","exchange_segment":"nse_fo"},{"instrument_token":"449","exchange_segment":"mcx_fo"}],"isIndex":false,"isDepth":true}]"#,
    );
    assert_eq!(messages(Broker::Kotak, tokens), expected);
}

#[test]
fn fivepaisa_gets_a_method_per_kind_of_data() {
    let tokens = ["N|C|999920000", "B|C|532540", "N|D|53001", "M|D|449"];
    let expected = concat!(
        r#"[{"Method":"mf","Operation":"s","req_list":[{"Exch":"N","ExchType":"C","ScripCode":999920000},{"Exch":"B","ExchType":"C","ScripCode":532540},{"Exch":"N","ExchType":"D","ScripCode":53001},{"Exch":"M","ExchType":"D","ScripCode":449}]},"#,
        r#"{"Method":"md","Operation":"s","req_list":[{"Exch":"N","ExchType":"D","ScripCode":53001},{"Exch":"M","ExchType":"D","ScripCode":449}]}]"#,
    );
    assert_eq!(messages(Broker::FivePaisa, tokens), expected);
}

#[test]
fn breeze_gets_one_instrument_per_call() {
    let tokens = ["4.1!NIFTY 50", "1.1!532540", "4.1!53001", "6.1!449"];
    let expected = concat!(
        r#"[{"stock_token":"4.1!NIFTY 50"},{"stock_token":"1.1!532540"},{"stock_token":"4.1!53001"},"#,
        r#"{"stock_token":"4.2!53001"},{"stock_token":"6.1!449"},{"stock_token":"6.2!449"}]"#,
    );
    assert_eq!(messages(Broker::Breeze, tokens), expected);
}

#[test]
fn segments_without_a_word_in_the_sdk_are_left_out() {
    for (broker, token, segment) in [
        (Broker::Dhan, "NSE_COMM|52175", Segment::NseCommodity),
        (Broker::Angel, "NCO|52175", Segment::NseCommodity),
        (Broker::Angel, "BCD|52175", Segment::BseCurrency),
        (Broker::Groww, "MCX|COMMODITY|449", Segment::McxCommodity),
    ] {
        let instruments = [("NCO:GOLD26DECFUT", Some(token), Some(segment))];
        let plan = subscribed_plan(broker, &instruments, &[("desk", "market")], &[(0, 1, Mode::Ltp)]);

        assert_eq!(messages_of(&plan, "market"), "[]", "{broker}");
        assert_eq!(left_out(&plan), ["NCO:GOLD26DECFUT"], "{broker}");
    }
}
