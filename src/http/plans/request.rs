//! Parses plan requests, and completes them from profiles and settings.

mod items;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::http::Uri;
use chrono::{NaiveDate, Utc};
use registry_actors::snapshot::Snapshot;
use registry_planning::catalogue::search::{DocumentFault, Selector};
use registry_planning::feed::{
    ACCOUNTS_MAX, Accounts, CONNECTIONS_MAX, ItemDefaults, NAME_CHARACTERS_MAX, StreamOptions,
};
use registry_planning::plan::describe::trading_date;
use registry_planning::previous::PreviousPlan;
use registry_planning::profile::{INSTRUMENTS_MAX as INSTRUMENTS_OF_PROFILE_MAX, Preferences, Profile};
use registry_planning::request::{Options, PlanRequest};
use registry_planning::source::{ProfileSource, Source};
use registry_planning::vocabulary::{
    FilteringStrictness, OptimizationLevel, ProfileReference, SubscriptionType, counted,
};

use self::items::items;
use crate::http::body::{BODY_BYTES_MAX, Fields, JsonBody, NumberOrTexts};
use crate::http::ids::{is_id, is_profile_id};
use crate::http::problem::{Fault, Problem};
use crate::http::query::Parameters;

const INSTRUMENTS_MAX: usize = 5000;
/// Maximum number of invalid preferences that a plan lists.
const FAULTS_LISTED_MAX: usize = 10;
const PLAN_NAME_CHARACTERS_MAX: usize = 255;
/// Maximum length of a description, characters. It is stored with the plan and part of every response.
const DESCRIPTION_CHARACTERS_MAX: usize = 10_000;

/// The fields that provide the instruments. A request has exactly one of them.
const SOURCES: [&str; 4] = ["instruments", "profile_id", "selectors", "items"];

/// A plan request that is free of faults.
pub(super) struct ParsedRequest {
    pub(super) content: RequestContent,
    /// Whether the plan is neither stored nor cached.
    pub(super) is_dry_run: bool,
    /// Whether the response includes the subscriptions of the plan.
    pub(super) includes_subscriptions: bool,
}

pub(super) enum RequestContent {
    /// A request with instruments, items or selectors.
    Complete(Box<PlanRequest>),
    /// A request for a plan of a profile.
    OfProfile { user_id: String, profile_id: String, overrides: Box<PlanOverrides> },
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
    /// The stream options without `modes`, `priorities`, `min_modes` and `pinned`.
    feed: StreamOptions,
    is_dry_run: bool,
}

impl PlanOverrides {
    fn options(&self, snapshot: &Snapshot, today: NaiveDate) -> Options {
        let settings = &snapshot.settings;
        let configured_max = settings.max_instruments_per_plan;
        Options {
            optimization_level: self.level.unwrap_or(settings.optimization_level),
            filtering_strictness: self.strictness.unwrap_or(settings.filtering_strictness),
            max_instruments: self.max_instruments.map_or(configured_max, |max| max.min(configured_max)),
            cost_per_instrument: settings.cost_per_instrument,
            as_of: self.as_of.unwrap_or_else(|| snapshot.calendar().plan_date(today)),
        }
    }
}

/// Parses a plan request, and reports all faults of query and body at once. A request can have 20,000 items, so a large
/// one is parsed on the threads for computations.
///
/// # Errors
/// 422 with all faults, 413 if the body is too large, and those of the threads.
pub(super) async fn parse_plan_request(
    uri: &Uri,
    body: &JsonBody,
    snapshot: &Arc<Snapshot>,
    today: NaiveDate,
    deadline: Instant,
) -> Result<ParsedRequest, Problem> {
    let (uri, snapshot) = (uri.clone(), Arc::clone(snapshot));
    body.parsed(deadline, move |body| parsed(&uri, body, &snapshot, today)).await?
}

fn parsed(uri: &Uri, body: &JsonBody, snapshot: &Snapshot, today: NaiveDate) -> Result<ParsedRequest, Problem> {
    let mut parameters = Parameters::of(uri);
    let user_id = parameters.user_id();
    let includes_subscriptions = includes_subscriptions(&mut parameters);
    let mut fields = fields_of(body)?;
    let (is_of_profile, has_instruments) = (fields.has("profile_id"), fields.has("instruments"));
    require_one_source(&mut fields);
    let (has_broker, has_mode) = (fields.has("broker"), fields.has("mode"));
    let profile_id = fields.optional_form("profile_id", |id| is_profile_id(id).then(|| id.to_owned()), PROFILE_IDS);
    let mut overrides = overrides(&mut fields, is_of_profile);
    let usual = overrides.subscription_type.and_then(|kind| snapshot.brokers.usual_mode(kind));
    let has_no_mode = overrides.subscription_type.is_some() && usual.is_none();
    let default_mode = if has_mode { overrides.feed.mode } else { usual };
    // Broker and mode of a profile are not known yet; an invalid one was reported above.
    if !is_of_profile {
        if has_mode == overrides.feed.mode.is_some() && !has_no_mode {
            add_faults(&mut fields, overrides.feed.retain_valid_modes(usual));
        }
        if has_broker == overrides.feed.broker.is_some() {
            let capacity = snapshot.brokers.capacity();
            add_faults(&mut fields, overrides.feed.retain_valid_accounts(capacity, overrides.is_dry_run));
        }
    }
    let instruments = match has_instruments {
        true => fields.keys("instruments", 1, INSTRUMENTS_MAX),
        false => fields.forget_null("instruments"),
    };
    let selectors = selectors(&mut fields);
    let min_mode = overrides.feed.min_mode;
    let items = items(&mut fields, ItemDefaults { has_broker, mode: default_mode, min_mode, has_no_mode });
    fields.finish(parameters.finish())?;

    // If a value is missing here, a fault was reported above.
    let source = match (instruments, selectors, items) {
        (Some(keys), _, _) => Some(Source::Keys(Arc::new(keys))),
        (None, Some(selectors), _) => Some(Source::Selectors(selectors)),
        (None, None, Some(items)) => Some(Source::Items(Arc::new(items))),
        (None, None, None) => None,
    };
    let is_dry_run = overrides.is_dry_run;
    let content = match (user_id, profile_id, source) {
        (Some(user_id), Some(profile_id), None) => {
            RequestContent::OfProfile { user_id, profile_id, overrides: Box::new(overrides) }
        }
        (Some(user_id), None, Some(source)) => {
            let request = complete(user_id, source, overrides, has_no_mode, snapshot, today);
            RequestContent::Complete(Box::new(request.ok_or_else(Problem::internal)?))
        }
        _ => return Err(Problem::internal()),
    };
    Ok(ParsedRequest { content, is_dry_run, includes_subscriptions })
}

/// Returns the fields of a body. A body of more than [`BODY_BYTES_MAX`] must have items.
fn fields_of(body: &JsonBody) -> Result<Fields<'_>, Problem> {
    if body.bytes().len() <= BODY_BYTES_MAX {
        return body.fields();
    }
    // Search the text before parsing, because parsing takes several times as long.
    let may_have_items = std::str::from_utf8(body.bytes()).is_ok_and(|text| text.contains("\"items\""));
    let fields = if may_have_items { body.fields()? } else { Fields::none() };
    if fields.has("items") { Ok(fields) } else { Err(Problem::too_large(BODY_BYTES_MAX)) }
}

/// Takes the parameter `include`. Returns whether the response includes the subscriptions.
pub(super) fn includes_subscriptions(parameters: &mut Parameters) -> bool {
    parameters.optional("include", "`subscriptions`", |word| (word == "subscriptions").then_some(())).is_some()
}

/// Adds the faults of a request with none of [`SOURCES`], or with several of them.
fn require_one_source(fields: &mut Fields<'_>) {
    let given = SOURCES.into_iter().filter(|name| fields.has(name)).collect::<Vec<_>>();
    for (at, name) in given.iter().enumerate().skip(1) {
        let others = given[..at].iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        fields.fault(name, format!("cannot be combined with {others}; provide exactly one"));
    }
    if given.is_empty() {
        let names = "expected exactly one of `instruments`, `items`, `profile_id`, `selectors`";
        fields.fault("instruments", names.to_owned());
    }
}

fn overrides(fields: &mut Fields<'_>, is_of_profile: bool) -> PlanOverrides {
    let overrides = PlanOverrides {
        plan_name: match is_of_profile {
            true => fields.optional_text("plan_name", 1, PLAN_NAME_CHARACTERS_MAX),
            false => fields.text("plan_name", 1, PLAN_NAME_CHARACTERS_MAX),
        },
        subscription_type: match is_of_profile {
            true => fields.optional_word("subscription_type"),
            false => fields.word("subscription_type"),
        },
        description: fields.optional_text("description", 0, DESCRIPTION_CHARACTERS_MAX),
        level: fields.optional_word("optimization_level"),
        strictness: fields.optional_word("filtering_strictness"),
        max_instruments: fields.optional_integer("max_instruments", 1, u32::MAX),
        as_of: fields.optional_date("as_of"),
        feed: StreamOptions {
            broker: fields.optional_word("broker"),
            mode: fields.optional_word("mode"),
            min_mode: fields.optional_word("min_mode"),
            tier: fields.optional_line("tier", 1, NAME_CHARACTERS_MAX),
            accounts: fields.optional_number_or_texts("accounts", ACCOUNTS_MAX, NAME_CHARACTERS_MAX).map(accounts),
            connections: fields.optional_integer("connections", 1, CONNECTIONS_MAX),
            placement: fields.optional_word("placement"),
            previous: fields.optional_form("previous_plan_id", previous, PLAN_IDS),
            ..StreamOptions::default()
        },
        is_dry_run: fields.optional_bool("dry_run").unwrap_or_default(),
    };
    // The whole capacity of the accounts is the only choice, and the default.
    fields.optional_form("capacity", |word| (word == "whole").then_some(()), "`whole`");
    overrides
}

/// Returns the reference to a plan, whose placement is not known yet.
fn previous(plan_id: &str) -> Option<PreviousPlan> {
    is_id(plan_id, "plan_").then(|| PreviousPlan { plan_id: plan_id.to_owned(), placement: None, is_rebalanced: false })
}

fn accounts(accounts: NumberOrTexts) -> Accounts {
    match accounts {
        NumberOrTexts::Number(count) => Accounts::Count(count),
        NumberOrTexts::Texts(names) => Accounts::Named(names),
    }
}

fn add_faults(fields: &mut Fields<'_>, faults: Vec<DocumentFault>) {
    faults.into_iter().for_each(|DocumentFault { pointer, detail }| fields.fault_at(&pointer, detail));
}

/// Returns the request for a plan without a profile; `None` if a required field is missing.
fn complete(
    user_id: String,
    source: Source,
    overrides: PlanOverrides,
    has_no_mode: bool,
    snapshot: &Snapshot,
    today: NaiveDate,
) -> Option<PlanRequest> {
    let options = overrides.options(snapshot, today);
    let PlanOverrides { plan_name, description, subscription_type, feed, as_of, .. } = overrides;
    let subscription_type = subscription_type?;
    let mut warnings = Vec::new();
    // The plan itself has this warning if an option of the request has a mode.
    let has_mode = feed.mode.is_some() || feed.min_mode.is_some();
    if has_no_mode && !has_mode && has_modes(&source) {
        warnings.push(format!("{subscription_type} data has no mode: the modes of items are ignored"));
    }
    let plan_name = plan_name?;
    let mut request =
        PlanRequest { user_id, plan_name, description, subscription_type, source, options, feed, warnings };
    if as_of.is_none() {
        request.warn_about_calendar(snapshot.calendar(), today);
    }
    Some(request)
}

/// Whether an item has a mode of its own.
fn has_modes(source: &Source) -> bool {
    let Source::Items(items) = source else { return false };
    items.iter().any(|item| item.options.mode.is_some() || item.options.min_mode.is_some())
}

/// Parses the selectors, which can be absent.
fn selectors(fields: &mut Fields<'_>) -> Option<Vec<Selector>> {
    let list = fields.optional_value("selectors")?;
    let mut faults = Vec::new();
    let selectors = Selector::read_all(&list, "/selectors", &mut faults);
    add_faults(fields, faults);
    Some(selectors)
}

fn warnings_of(faults: &[DocumentFault]) -> Vec<String> {
    let listed = faults.iter().take(FAULTS_LISTED_MAX);
    let mut warnings: Vec<String> =
        listed.map(|DocumentFault { pointer, detail }| format!("ignored preference `{pointer}`: {detail}")).collect();
    if faults.len() > FAULTS_LISTED_MAX {
        warnings.push(format!("ignored {}", counted(faults.len() - FAULTS_LISTED_MAX, "more preference")));
    }
    warnings
}

const PLAN_IDS: &str = "`plan_` followed by 32 lowercase hexadecimal digits";
const PROFILE_IDS: &str = "`profile_` followed by 32 lowercase hexadecimal digits";

/// Returns the request for a plan of a profile. Precedence: request, then profile, then settings. The lowest maximum
/// wins.
///
/// # Errors
/// 422 if an option of the request contradicts the profile or the settings. An invalid preference is ignored, and the
/// plan has a warning.
pub(crate) fn request_from(
    profile: &Profile,
    overrides: PlanOverrides,
    snapshot: &Snapshot,
) -> Result<PlanRequest, Problem> {
    let draft = &profile.draft;
    // Preferences are validated again: they may have been stored by another release.
    let (preferences, mut faults) = Preferences::of(&draft.preferences.values());
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
    let today = trading_date(Utc::now());
    let options = overrides.options(snapshot, today);
    let subscription_type = overrides.subscription_type.unwrap_or(draft.subscription_type);
    let Preferences { feed, selectors, .. } = preferences;
    let merged = merged_feed(feed, &overrides, subscription_type, snapshot)?;
    faults.extend(merged.ignored);
    let feed = merged.feed.with_all_names(&draft.instruments, &snapshot.catalogue);
    let mut request = PlanRequest {
        user_id: profile.user_id.clone(),
        plan_name: overrides.plan_name.unwrap_or_else(|| draft.profile_name.clone()),
        description: overrides.description,
        subscription_type,
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
    };
    if overrides.as_of.is_none() {
        request.warn_about_calendar(snapshot.calendar(), today);
    }
    Ok(request)
}

struct MergedFeed {
    feed: StreamOptions,
    /// The faults of preferences that are ignored.
    ignored: Vec<DocumentFault>,
}

/// Merges the stream options of a request with those of a profile.
fn merged_feed(
    preferred: StreamOptions,
    overrides: &PlanOverrides,
    subscription_type: SubscriptionType,
    snapshot: &Snapshot,
) -> Result<MergedFeed, Problem> {
    let given = &overrides.feed;
    let mut feed = StreamOptions {
        broker: given.broker.or(preferred.broker),
        mode: given.mode.or(preferred.mode),
        // A mode of the request applies to all instruments.
        modes: if given.mode.is_some() { BTreeMap::new() } else { preferred.modes },
        priorities: preferred.priorities,
        min_mode: given.min_mode.or(preferred.min_mode),
        min_modes: if given.min_mode.is_some() { BTreeMap::new() } else { preferred.min_modes },
        pinned: preferred.pinned,
        tier: given.tier.clone().or(preferred.tier),
        accounts: given.accounts.clone().or(preferred.accounts),
        connections: given.connections.or(preferred.connections),
        placement: given.placement.or(preferred.placement),
        previous: given.previous.clone(),
    };
    let mut found = Vec::new();
    if let Some(usual) = snapshot.brokers.usual_mode(subscription_type) {
        found = feed.retain_valid_modes(Some(usual));
    }
    found.extend(feed.retain_valid_accounts(snapshot.brokers.capacity(), overrides.is_dry_run));
    let is_of_request = |fault: &DocumentFault| match fault.pointer.split('/').nth(1) {
        // The mode of an instrument in the profile contradicts the lowest mode of the request.
        Some("min_mode" | "modes") => given.min_mode.is_some(),
        Some("tier") => given.tier.is_some(),
        Some("accounts") => given.accounts.is_some(),
        Some("connections") => given.connections.is_some(),
        Some("placement") => given.placement.is_some(),
        Some("previous_plan_id") => given.previous.is_some(),
        _ => false,
    };
    let (of_request, ignored): (Vec<_>, Vec<_>) = found.into_iter().partition(is_of_request);
    if of_request.is_empty() {
        return Ok(MergedFeed { feed, ignored });
    }
    let fault = |DocumentFault { pointer, detail }| match pointer.strip_prefix("/modes/") {
        Some(key) => {
            Fault { pointer: "/min_mode".to_owned(), detail: format!("mode of `{key}` in the profile: {detail}") }
        }
        None => Fault { pointer, detail },
    };
    Err(Problem::invalid(of_request.into_iter().map(fault).collect()))
}

#[cfg(test)]
mod tests {
    use registry_planning::profile::Preferences;
    use serde_json::{Map, Value, json};

    use axum::body::Bytes;
    use registry_planning::vocabulary::Broker;

    use super::{fields_of, warnings_of};
    use crate::http::body::{BODY_BYTES_MAX, JsonBody};

    #[test]
    fn a_body_beyond_2_mib_without_items_is_not_parsed() {
        let problem = |start: &str| {
            let body = JsonBody::of(Bytes::from(start.to_owned() + &" ".repeat(BODY_BYTES_MAX)));
            fields_of(&body).err().map(|problem| problem.code)
        };

        assert_eq!(problem("{\"instruments\": []}"), Some("body_too_large"));
        assert_eq!(problem("{\"instruments\": ["), Some("body_too_large"), "the fault was not found");
        assert_eq!(problem("{\"plan_name\": \"items\", \"x\": {\"items\": []}}"), Some("body_too_large"));
        assert_eq!(problem("{\"items\": ["), Some("invalid_json"));
        assert_eq!(problem("{\"items\": []}"), None);
    }

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
