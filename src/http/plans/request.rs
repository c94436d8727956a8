//! Parses plan requests, and completes them from profiles and settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Uri;
use chrono::{NaiveDate, Utc};
use registry_actors::settings::Settings;
use registry_actors::snapshot::Snapshot;
use registry_planning::catalogue::search::{DocumentFault, Selector};
use registry_planning::feed::StreamOptions;
use registry_planning::plan::describe::trading_date;
use registry_planning::profile::{INSTRUMENTS_MAX as INSTRUMENTS_OF_PROFILE_MAX, Preferences, Profile};
use registry_planning::request::{Options, PlanRequest};
use registry_planning::source::{ProfileSource, Source};
use registry_planning::vocabulary::{
    Broker, FilteringStrictness, Mode, OptimizationLevel, ProfileReference, SubscriptionType, counted,
};
use utoipa::ToSchema;

use super::SUBSCRIPTION_TYPES;
use crate::http::body::{Fields, JsonBody};
use crate::http::ids::is_profile_id;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::schema::types;

/// Maximum number of keys in a request.
const INSTRUMENTS_MAX: usize = 5000;
/// Maximum number of invalid preferences that a plan lists.
const FAULTS_LISTED_MAX: usize = 10;
/// Maximum length of a plan's name, characters.
const NAME_CHARACTERS_MAX: usize = 255;
/// Maximum length of a description, characters. It is stored with the plan and part of every response.
const DESCRIPTION_CHARACTERS_MAX: usize = 10_000;

const LEVELS: &str = "low, moderate, aggressive";
const STRICTNESSES: &str = "lenient, moderate, strict";

/// A plan request. It provides the instruments in one of three ways.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) enum PlanBody {
    Instruments(PlanOfInstruments),
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

/// A plan request that is free of faults.
pub(super) enum ParsedRequest {
    /// A request with instruments or selectors.
    Complete(Box<PlanRequest>),
    /// A request for a plan of a profile.
    OfProfile { user_id: String, profile_id: String, overrides: PlanOverrides },
}

/// The options of a request. If one is absent, the value of the profile or of the settings applies.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanOverrides {
    plan_name: Option<String>,
    subscription_type: Option<SubscriptionType>,
    description: Option<String>,
    level: Option<OptimizationLevel>,
    strictness: Option<FilteringStrictness>,
    max_instruments: Option<u32>,
    as_of: Option<NaiveDate>,
    broker: Option<Broker>,
    mode: Option<Mode>,
}

impl PlanOverrides {
    fn options(&self, settings: &Settings, today: NaiveDate) -> Options {
        let configured_max = settings.max_instruments_per_plan;
        Options {
            optimization_level: self.level.unwrap_or(settings.optimization_level),
            filtering_strictness: self.strictness.unwrap_or(settings.filtering_strictness),
            max_instruments: self.max_instruments.map_or(configured_max, |max| max.min(configured_max)),
            cost_per_instrument: settings.cost_per_instrument,
            as_of: self.as_of.unwrap_or(today),
        }
    }
}

/// Parses a plan request, and reports all faults of query and body at once.
pub(super) fn parse_plan_request(
    uri: &Uri,
    body: &JsonBody,
    snapshot: &Snapshot,
    today: NaiveDate,
) -> Result<ParsedRequest, Problem> {
    let mut parameters = Parameters::of(uri);
    let user_id = parameters.user_id();
    let mut fields = body.fields()?;
    let (is_of_profile, has_instruments) = (fields.has("profile_id"), fields.has("instruments"));
    let has_selectors = fields.has("selectors");
    if is_of_profile && has_instruments {
        fields.fault("profile_id", "cannot be combined with `instruments`; provide exactly one".to_owned());
    }
    if has_selectors && (is_of_profile || has_instruments) {
        let others = match (is_of_profile, has_instruments) {
            (true, true) => "`instruments` or `profile_id`",
            (true, false) => "`profile_id`",
            (false, _) => "`instruments`",
        };
        fields.fault("selectors", format!("cannot be combined with {others}; provide exactly one"));
    }
    let profile_id = fields.optional_form("profile_id", |id| is_profile_id(id).then(|| id.to_owned()), PROFILE_IDS);
    let overrides = PlanOverrides {
        plan_name: match is_of_profile {
            true => fields.optional_text("plan_name", 1, NAME_CHARACTERS_MAX),
            false => fields.text("plan_name", 1, NAME_CHARACTERS_MAX),
        },
        subscription_type: match is_of_profile {
            true => fields.optional_word("subscription_type", SubscriptionType::parse, SUBSCRIPTION_TYPES),
            false => fields.word("subscription_type", SubscriptionType::parse, SUBSCRIPTION_TYPES),
        },
        description: fields.optional_text("description", 0, DESCRIPTION_CHARACTERS_MAX),
        level: fields.optional_word("optimization_level", OptimizationLevel::parse, LEVELS),
        strictness: fields.optional_word("filtering_strictness", FilteringStrictness::parse, STRICTNESSES),
        max_instruments: fields.optional_integer("max_instruments", 1, u32::MAX),
        as_of: fields.optional_date("as_of"),
        broker: fields.optional_word("broker", Broker::parse, Broker::WORDS),
        mode: fields.optional_word("mode", Mode::parse, Mode::WORDS),
    };
    if !(has_instruments || is_of_profile || has_selectors) {
        fields.fault("instruments", "expected exactly one of `instruments`, `profile_id`, `selectors`".to_owned());
    }
    let instruments = match has_instruments {
        true => fields.keys("instruments", 1, INSTRUMENTS_MAX),
        false => fields.forget_null("instruments"),
    };
    let selectors = selectors(&mut fields);
    fields.finish(parameters.finish())?;

    // If a value is missing here, a fault was reported above.
    let options = overrides.options(&snapshot.settings, today);
    let source = match (instruments, selectors) {
        (Some(keys), _) => Some(Source::Keys(Arc::new(keys))),
        (None, Some(selectors)) => Some(Source::Selectors(selectors)),
        (None, None) => None,
    };
    match (user_id, profile_id, source) {
        (Some(user_id), Some(profile_id), None) => Ok(ParsedRequest::OfProfile { user_id, profile_id, overrides }),
        (Some(user_id), None, Some(source)) => {
            let PlanOverrides {
                plan_name: Some(plan_name),
                subscription_type: Some(subscription_type),
                description,
                ..
            } = overrides
            else {
                return Err(Problem::internal());
            };
            let feed = StreamOptions { broker: overrides.broker, mode: overrides.mode, ..StreamOptions::default() };
            let warnings = Vec::new();
            let request =
                PlanRequest { user_id, plan_name, description, subscription_type, source, options, feed, warnings };
            Ok(ParsedRequest::Complete(Box::new(request)))
        }
        _ => Err(Problem::internal()),
    }
}

/// Parses the selectors, which can be absent.
fn selectors(fields: &mut Fields<'_>) -> Option<Vec<Selector>> {
    let list = fields.optional_value("selectors")?;
    let mut faults = Vec::new();
    let selectors = Selector::read_all(&list, "/selectors", &mut faults);
    faults.into_iter().for_each(|DocumentFault { pointer, detail }| fields.fault_at(&pointer, detail));
    Some(selectors)
}

/// Returns the warnings of a plan about invalid preferences.
fn warnings_of(faults: &[DocumentFault]) -> Vec<String> {
    let listed = faults.iter().take(FAULTS_LISTED_MAX);
    let mut warnings: Vec<String> =
        listed.map(|DocumentFault { pointer, detail }| format!("ignored preference `{pointer}`: {detail}")).collect();
    if faults.len() > FAULTS_LISTED_MAX {
        warnings.push(format!("ignored {}", counted(faults.len() - FAULTS_LISTED_MAX, "more preference")));
    }
    warnings
}

const PROFILE_IDS: &str = "`profile_` followed by 32 lowercase hexadecimal digits";

/// Returns the request for a plan of a profile. Precedence: request, then profile, then settings. The lowest maximum wins.
pub(crate) fn request_from(profile: &Profile, overrides: PlanOverrides, snapshot: &Snapshot) -> PlanRequest {
    let draft = &profile.draft;
    // They were valid when they were stored, but perhaps for another release.
    let (preferences, faults) = Preferences::of(&draft.preferences.values());
    let is_strict = snapshot.settings.profile_validation_strict;
    // Selectors must not add more instruments than the profile can have.
    let may_hold =
        if is_strict { draft.subscription_type.strict_instruments_max() } else { INSTRUMENTS_OF_PROFILE_MAX };
    let holds = u32::try_from(draft.instruments.len()).unwrap_or(u32::MAX);
    let with_selectors = (!preferences.selectors.is_empty()).then_some(may_hold.max(holds));
    let maxima = [overrides.max_instruments, draft.max_instruments, with_selectors];
    let overrides = PlanOverrides {
        level: overrides.level.or(preferences.optimization_level),
        strictness: overrides.strictness.or(preferences.filtering_strictness),
        max_instruments: maxima.into_iter().flatten().min(),
        ..overrides
    };
    let options = overrides.options(&snapshot.settings, trading_date(Utc::now()));
    let Preferences { feed, selectors, .. } = preferences;
    let feed = StreamOptions {
        broker: overrides.broker.or(feed.broker),
        mode: overrides.mode.or(feed.mode),
        // A mode of the request applies to all instruments.
        modes: if overrides.mode.is_some() { BTreeMap::new() } else { feed.modes },
        priorities: feed.priorities,
        ..StreamOptions::default()
    };
    let feed = feed.with_all_names(&draft.instruments, &snapshot.catalogue);
    PlanRequest {
        user_id: profile.user_id.clone(),
        plan_name: overrides.plan_name.unwrap_or_else(|| draft.profile_name.clone()),
        description: overrides.description,
        subscription_type: overrides.subscription_type.unwrap_or(draft.subscription_type),
        source: Source::Profile(Box::new(ProfileSource {
            reference: ProfileReference { profile_id: profile.profile_id.clone(), version: profile.version },
            keys: Arc::new(draft.instruments.clone()),
            selectors,
            rules: draft.validation_rules.clone(),
            is_strict,
        })),
        options,
        feed,
        warnings: warnings_of(&faults),
    }
}

#[cfg(test)]
mod tests {
    use registry_planning::profile::Preferences;
    use serde_json::{Map, Value, json};

    use registry_planning::vocabulary::Broker;

    use super::warnings_of;

    #[test]
    fn a_limited_number_of_invalid_preferences_is_listed() {
        let names: Map<String, Value> = (0..12).map(|number| (format!("NAME{number:02}"), json!("full"))).collect();
        let preferences = json!({"broker": "zerodha", "modes": names, "mode": "ltp"});
        let (read, faults) = Preferences::of(preferences.as_object().unwrap());

        let warnings = warnings_of(&faults);

        assert!(read.feed.mode.is_some());
        assert_eq!(warnings.len(), 11);
        assert_eq!(
            warnings[0],
            format!("ignored preference `/broker`: expected one of {}, got `zerodha`", Broker::WORDS)
        );
        assert_eq!(warnings[1], "ignored preference `/modes/NAME00`: expected a key of the form `EXCHANGE:SYMBOL`");
        assert_eq!(warnings[10], "ignored 3 more preferences");
    }
}
