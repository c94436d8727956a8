//! The bodies of plan requests and their responses, as the document describes them.

use chrono::NaiveDate;
use registry_planning::catalogue::search::Selector;
use registry_planning::feed::Accounts;
use registry_planning::plan::Plan;
use registry_planning::subscriptions::Subscription;
use registry_planning::vocabulary::{
    Broker, FilteringStrictness, Mode, OptimizationLevel, PlacementStrategy, SubscriptionType,
};
use utoipa::ToSchema;

use crate::http::schema::types;

/// A plan request. It provides the instruments in one of four ways.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) enum PlanBody {
    Instruments(PlanOfInstruments),
    Items(PlanOfItems),
    Profile(PlanOfProfile),
    Selectors(PlanOfSelectors),
}

/// Declares a body of a plan request: its own fields, and the options that all of them have.
macro_rules! plan_body {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(ToSchema)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code)] // As above.
        pub(crate) struct $name {
            $($(#[$meta])* $field: $kind,)+
            /// The description of the plan. If it is absent or null, it is created from the subscription type.
            #[schema(max_length = 10000, pattern = r"^[^\u0000]*$")]
            description: Option<String>,
            /// The optimization level.
            optimization_level: Option<OptimizationLevel>,
            /// The condition that a key must meet to be kept.
            filtering_strictness: Option<FilteringStrictness>,
            /// The maximum number of instruments. It lowers the configured maximum and never raises it.
            #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
            max_instruments: Option<u32>,
            /// The trading date that the plan is for. If it is absent or null, it is today in Asia/Kolkata.
            as_of: Option<NaiveDate>,
            /// The broker that streams the instruments. Unless the strictness is `lenient`, the plan leaves out instruments
            /// that the last accepted file of the broker does not list.
            broker: Option<Broker>,
            /// The streaming mode. If it is absent or null, the subscription type determines it.
            mode: Option<Mode>,
            /// The mode below which no limit of the broker lowers an instrument. The mode must include it. Requires `broker`.
            min_mode: Option<Mode>,
            /// The tier of the accounts. It lowers the tier of the settings; only a dry run can raise it. Requires `broker`.
            #[schema(min_length = 1, max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
            tier: Option<String>,
            /// The accounts that the plan may use: the first ones of the settings, or those with these names. Only a dry run
            /// can use others. Requires `broker`.
            #[schema(value_type = Option<types::AccountChoice>)]
            accounts: Option<Accounts>,
            /// The minimum number of connections. If it is absent or null, it is the smallest number that the limits of the
            /// broker require. Requires `broker`.
            #[schema(minimum = 1, maximum = 256)]
            connections: Option<u32>,
            /// The distribution of the instruments over connections. If it is absent or null, it is `balanced`. Requires `broker`.
            placement: Option<PlacementStrategy>,
            /// The plan whose placement is kept as far as the limits allow. It must be of the same user and broker. Requires
            /// `broker`.
            #[schema(value_type = Option<types::PlanId>)]
            previous_plan_id: Option<String>,
            /// The capacity that the plan may use. If it is absent or null, it is `whole`: the accounts are planned as if they
            /// were free.
            #[schema(value_type = Option<types::CapacityWord>)]
            capacity: Option<&'static str>,
            /// Whether the plan is only computed and returned, and neither stored nor cached. Cannot be combined with
            /// `Idempotency-Key`.
            dry_run: Option<bool>,
        }
    };
}

plan_body! {
    /// A plan request that lists its instruments.
    PlanOfInstruments {
        /// The name of the plan.
        #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
        plan_name: String,
        /// The use of the instruments.
        subscription_type: SubscriptionType,
        /// The keys of the instruments, most important first. The plan lists every key that it leaves out, with the reason.
        #[schema(value_type = Vec<types::RequestedKey>, min_items = 1, max_items = 5000)]
        instruments: Vec<String>,
    }
}

plan_body! {
    /// A plan request that lists its instruments with options of their own.
    PlanOfItems {
        /// The name of the plan.
        #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
        plan_name: String,
        /// The use of the instruments.
        subscription_type: SubscriptionType,
        /// The entries, most important first. An entry that names an instrument overrides entries that select it. At most 20
        /// entries have a selector.
        #[schema(min_items = 1, max_items = 20_000)]
        items: Vec<ItemBody>,
    }
}

plan_body! {
    /// A plan request that uses the instruments, preferences, rules and maximum of a profile of the user.
    PlanOfProfile {
        /// The id of the profile.
        #[schema(value_type = types::ProfileId)]
        profile_id: String,
        /// The name of the plan. If it is absent or null, it is the name of the profile.
        #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
        plan_name: Option<String>,
        /// The use of the instruments. If it is absent or null, the type of the profile applies.
        subscription_type: Option<SubscriptionType>,
    }
}

plan_body! {
    /// A plan request that selects its instruments from the catalog on the date of the plan.
    PlanOfSelectors {
        /// The name of the plan.
        #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
        plan_name: String,
        /// The use of the instruments.
        subscription_type: SubscriptionType,
        /// The selectors of the instruments. The plan includes every instrument that at least one of them selects.
        #[schema(min_items = 1, max_items = 20)]
        selectors: Vec<Selector>,
    }
}

/// An entry of a plan request. It has one instrument, or the instruments of a selector.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // As above.
pub(crate) enum ItemBody {
    Instrument(InstrumentItem),
    Selector(SelectorItem),
}

/// Declares an entry of a plan request: its own field, and the options that all of them have.
macro_rules! item_body {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[doc = $doc])+
        #[derive(ToSchema)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code)] // As above.
        pub(crate) struct $name {
            $($(#[$meta])* $field: $kind,)+
            /// The streaming mode. If it is absent or null, it is the mode of the request.
            mode: Option<Mode>,
            /// The mode below which no limit of the broker lowers the entry. If it is absent or null, it is the one of the
            /// request. The mode must include it. Requires `broker`.
            min_mode: Option<Mode>,
            /// The priority. If it is absent or null, it is 0.
            #[schema(value_type = Option<types::Priority>)]
            priority: Option<u32>,
            /// Whether no limit may leave out the entry. The request is rejected with 409 `pinned_over_capacity` if not all
            /// pinned instruments fit. Requires `broker`.
            pinned: Option<bool>,
        }
    };
}

item_body! {
    /// An entry with one instrument.
    InstrumentItem {
        /// The key of the instrument.
        #[schema(value_type = types::StoredKey)]
        instrument: String,
    }
}

item_body! {
    /// An entry with the instruments of a selector, on the date of the plan.
    SelectorItem {
        /// The selector.
        selector: Selector,
    }
}

/// The response to a plan request.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written around the plan's JSON; this is its documentation.
pub(crate) struct PlanAnswer {
    /// The id of the plan. Absent in a dry run.
    #[schema(value_type = Option<types::PlanId>, nullable = false)]
    plan_id: Option<String>,
    /// Whether the plan was created, reused, or only computed.
    #[schema(value_type = types::PlanOrigin)]
    status: &'static str,
    /// Whether the plan was reused.
    cache_hit: bool,
    /// The plan. In a dry run, it has no `plan_id`.
    plan_data: Plan,
    /// The time that it took to create or find the plan, in milliseconds.
    duration_ms: u64,
    /// The correlation id of the request.
    correlation_id: String,
    /// The time from the arrival of the request to the response, in milliseconds.
    response_time_ms: u64,
    /// Always true: defaults come from the settings.
    config_driven: bool,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
    /// The subscriptions of the plan, in the order in which they are sent. Present if the request
    /// includes them.
    #[schema(nullable = false)]
    subscriptions: Option<Vec<Subscription<'static>>>,
    /// Warnings about the response, such as an unavailable database. Absent if nothing is to be noted.
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}
