//! The morning of a trading desk: it subscribes a plan, changes it, and subscribes it again after a reconnect. The file
//! of the next day is ingested, and the new plan moves only the instruments that changed.

use std::collections::BTreeMap;

use super::*;

/// The subscriptions that a feed handler has open: the mode of each token on each connection.
type OpenSubscriptions = BTreeMap<(u64, String), String>;

struct Desk {
    service: Service,
    open: OpenSubscriptions,
}

impl Desk {
    async fn read(&self, path: String) -> Value {
        let answer = get(&path).send(&self.service.client).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.json()
    }

    /// Creates a plan that keeps the placement of a previous one, and returns its response.
    async fn plan(&self, keys: &[&str], previous: Option<&str>) -> Value {
        let request =
            with(with(with(plan_request(keys), "broker", "kite"), "connections", 2), "optimization_level", "low");
        let request = previous.map_or(request.clone(), |previous| with(request, "previous_plan_id", previous));
        post("plan?user_id=desk", &request).send(&self.service.client).await.json()
    }

    /// Applies the messages of a schedule to the open subscriptions, as a feed handler does.
    async fn send_schedule(&mut self, path: String) {
        let schedule = self.read(path).await;
        for batch in schedule["batches"].as_array().unwrap_or(&Vec::new()) {
            let connection = batch["connection"].as_u64().unwrap_or_default();
            for token in batch["tokens"].as_array().unwrap_or(&Vec::new()) {
                let subscription = (connection, text(token));
                match text(&batch["action"]).as_str() {
                    "unsubscribe" => self.open.remove(&subscription),
                    _ => self.open.insert(subscription, text(&batch["mode"])),
                };
            }
        }
    }

    async fn subscriptions_of(&self, plan_id: &str) -> OpenSubscriptions {
        let subscriptions = self.read(format!("plans/{plan_id}/subscriptions")).await["subscriptions"].clone();
        let entry = |of: &Value| {
            let connection = of["connection"].as_u64().unwrap_or_default();
            ((connection, text(&of["broker_token"])), text(&of["mode"]))
        };
        subscriptions.as_array().unwrap_or(&Vec::new()).iter().map(entry).collect()
    }
}

fn counts(diff: &Value) -> [Value; 5] {
    let of = |name: &str| diff["counts"][name].clone();
    [of("subscribe"), of("unsubscribe"), of("change_mode"), of("move"), diff["unchanged"].clone()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_follows_its_plans_through_a_morning() {
    let service = empty_service(&[]).await;
    load(&service.client, "kite", "2025-01-15", kite_before()).await;
    until_served(&service.client, "1").await;
    let mut desk = Desk { service, open: OpenSubscriptions::new() };

    // The desk subscribes the first plan.
    let first = desk.plan(&["NSE:TCS", "NSE:INFY", "NSE:SBIN", "NSE:MOVED", "NSE:ITC"], None).await;
    let first = text(&first["plan_id"]);
    desk.send_schedule(format!("plans/{first}/schedule")).await;
    assert_eq!(desk.open.len(), 5);
    assert_eq!(desk.open, desk.subscriptions_of(&first).await);

    // The request replaces one instrument: the other ones keep their connections.
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:RELIANCE", "NSE:MOVED", "NSE:ITC"];
    let second = desk.plan(&keys, Some(&first)).await;
    assert_eq!(second["plan_data"]["allocation"]["unchanged_placement"], 4);
    let second = text(&second["plan_id"]);
    let difference = desk.read(format!("plans/{second}/diff?from={first}")).await;
    assert_eq!(counts(&difference), [1, 1, 0, 0, 4].map(|count| json!(count)));
    desk.send_schedule(format!("plans/{second}/schedule?from={first}")).await;
    assert_eq!(desk.open, desk.subscriptions_of(&second).await);

    // A connection drops, and the desk subscribes only that connection again.
    desk.open.retain(|(connection, _), _| *connection != 1);
    assert!((1..5).contains(&desk.open.len()), "{:?}", desk.open);
    desk.send_schedule(format!("plans/{second}/schedule?connection=1")).await;
    assert_eq!(desk.open, desk.subscriptions_of(&second).await);

    // The file of the next day changes the token of one instrument and the tick size of another one.
    load(&desk.service.client, "kite", "2025-01-16", kite_after()).await;
    until_served(&desk.service.client, "2").await;
    let verification = desk.read(format!("plans/{second}/verify")).await;
    let instruments = verification["instruments"].as_array().cloned().unwrap_or_default();
    let changed: Vec<String> = instruments
        .iter()
        .filter(|of| of["verdict"] != "unchanged")
        .map(|of| format!("{} {}", text(&of["instrument"]), text(&of["verdict"])))
        .collect();
    assert_eq!(changed, ["NSE:MOVED token_changed", "NSE:ITC tick_changed"]);
    assert_eq!(counts(&verification["replan"]), [0, 0, 0, 1, 4].map(|count| json!(count)));

    // The new plan moves only the instrument with the new token.
    let third = text(&desk.plan(&keys, Some(&second)).await["plan_id"]);
    let difference = desk.read(format!("plans/{third}/diff?from={second}")).await;
    assert_eq!(counts(&difference), [0, 0, 0, 1, 4].map(|count| json!(count)));
    assert_eq!(difference["actions"][0]["instrument"], "NSE:MOVED");
    desk.send_schedule(format!("plans/{third}/schedule?from={second}")).await;
    assert_eq!(desk.open, desk.subscriptions_of(&third).await);
    assert!(desk.open.keys().any(|(_, token)| token == "111873"), "{:?}", desk.open);
}
