//! The schemas of profiles in requests and responses, as the OpenAPI document describes them. Bodies are parsed field
//! by field, and responses are written from the stored data.

use std::collections::BTreeMap;

use registry_planning::catalogue::search::Selector;
use registry_planning::feed::Accounts;
use registry_planning::profile::{Draft, Rules};
use registry_planning::vocabulary::{
    Broker, FilteringStrictness, Mode, OptimizationLevel, PlacementStrategy, SubscriptionType,
};
use utoipa::ToSchema;

use crate::http::schema::types;

/// Declares the body of a new profile: its own fields, and those that all of them have.
macro_rules! new_profiles {
    ($($(#[$meta:meta])+ $name:ident { $($(#[$own_meta:meta])+ $field:ident: $kind:ty,)* })+) => { $(
        #[derive(ToSchema)]
        #[allow(dead_code)] // The body is read field by field; this is its documentation.
        $(#[$meta])+
        pub(crate) struct $name {
            $($(#[$own_meta])+ $field: $kind,)*
            /// The name of the profile.
            #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
            profile_name: String,
            /// The use of the instruments.
            subscription_type: SubscriptionType,
            /// The instruments, most important first. Duplicates are removed.
            #[schema(value_type = Vec<types::StoredKey>, min_items = 1, max_items = 1000)]
            instruments: Vec<String>,
            /// The options of plans that are created from the profile, and data of the caller.
            preferences: Option<PreferencesBody>,
            /// The rules that an instrument must meet to be included in plans.
            validation_rules: Option<Rules>,
            /// The maximum number of instruments of the profile and its plans. It can only lower the general maximum.
            #[schema(minimum = 1, maximum = 2000)]
            max_instruments: Option<u32>,
            /// The time when the profile expires. It must be in the future.
            #[schema(value_type = Option<String>, format = DateTime)]
            expires_at: Option<String>,
        }
    )+ };
}

new_profiles! {
    /// A new profile.
    #[serde(deny_unknown_fields)]
    ProfileBody {
        /// The user that the profile belongs to.
        #[schema(value_type = types::ProfileUserId)]
        user_id: String,
    }
    /// A profile to create.
    ImportedProfile {}
}

/// The options of plans that are created from a profile, and data of the caller: at most 64 KiB. The service rejects names
/// that contain `password`, `secret`, `token` or `key`.
#[derive(ToSchema)]
#[allow(dead_code)] // As above.
pub(crate) struct PreferencesBody {
    /// The optimization level of plans.
    optimization_level: Option<OptimizationLevel>,
    /// The filtering strictness of plans.
    filtering_strictness: Option<FilteringStrictness>,
    /// The broker of plans.
    broker: Option<Broker>,
    /// The streaming mode of instruments that `modes` does not list.
    mode: Option<Mode>,
    /// The streaming mode of each instrument, by key: at most 5,000 keys.
    #[schema(value_type = Option<BTreeMap<types::WellFormedKey, Mode>>)]
    modes: Option<BTreeMap<String, Mode>>,
    /// The priority of each instrument, 0 to 1000, by key: at most 5,000 keys.
    #[schema(value_type = Option<BTreeMap<types::WellFormedKey, types::Priority>>)]
    priorities: Option<BTreeMap<String, u32>>,
    /// The mode below which no limit of the broker lowers instruments that `min_modes` does not list.
    min_mode: Option<Mode>,
    /// The mode below which no limit of the broker lowers the instrument, by key: at most 5,000 keys.
    #[schema(value_type = Option<BTreeMap<types::WellFormedKey, Mode>>)]
    min_modes: Option<BTreeMap<String, Mode>>,
    /// The instruments that no limit may leave out: at most 5,000 keys.
    #[schema(value_type = Option<Vec<types::WellFormedKey>>, max_items = 5000)]
    pinned: Option<Vec<String>>,
    /// The tier of the accounts, not above that of the settings.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    tier: Option<String>,
    /// The accounts that plans may use: the first ones of the settings, or those with these names.
    #[schema(value_type = Option<types::AccountChoice>)]
    accounts: Option<Accounts>,
    /// The minimum number of connections.
    #[schema(minimum = 1, maximum = 256)]
    connections: Option<u32>,
    /// The distribution of the instruments over connections.
    placement: Option<PlacementStrategy>,
    /// The selectors of additional instruments. The catalog is searched when a plan is created.
    #[schema(min_items = 1, max_items = 20)]
    selectors: Option<Vec<Selector>>,
}

/// The fields of a profile to change: at least one. Absent fields do not change.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
#[allow(dead_code)] // As above.
pub(crate) struct PatchBody {
    /// The name of the profile.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$")]
    profile_name: Option<String>,
    /// The use of the instruments.
    subscription_type: Option<SubscriptionType>,
    /// The instruments, most important first. Duplicates are removed.
    #[schema(value_type = Option<Vec<types::StoredKey>>, min_items = 1, max_items = 1000)]
    instruments: Option<Vec<String>>,
    /// The options of plans that are created from the profile, and data of the caller. They replace the previous
    /// preferences.
    preferences: Option<PreferencesBody>,
    /// The rules that an instrument must meet to be included in plans. They replace the previous rules.
    validation_rules: Option<Rules>,
    /// The maximum number of instruments of the profile and its plans. It can only lower the general maximum. Null removes
    /// it.
    #[schema(minimum = 1, maximum = 2000)]
    max_instruments: Option<u32>,
    /// The time when the profile expires. It must be in the future. Null removes it.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<String>,
}

/// The new expiry of an activated profile.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // As above.
pub(crate) struct ActivateBody {
    /// The time when the profile expires. It must be in the future. Null removes it. If it is absent, it does not change.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<String>,
}

/// A profile.
#[derive(ToSchema)]
#[allow(dead_code)] // The answer is written from the profile as it is stored; this is its documentation.
pub(crate) struct SubscriptionProfile {
    /// The id of the profile.
    #[schema(value_type = types::ProfileId)]
    profile_id: String,
    /// The user that the profile belongs to.
    user_id: String,
    /// The name of the profile.
    profile_name: String,
    /// The use of the instruments.
    subscription_type: SubscriptionType,
    /// The instruments as the caller sent them, most important first.
    instruments: Vec<String>,
    /// The number of instruments.
    instrument_count: u64,
    /// The options of plans that are created from the profile, and data of the caller.
    preferences: PreferencesBody,
    /// The rules that an instrument must meet to be included in plans.
    validation_rules: Rules,
    /// The maximum number of instruments of the profile and its plans. Null if the profile does not set one. It can
    /// only lower the general maximum.
    #[schema(required)]
    max_instruments: Option<u32>,
    /// The time when the profile expires. Null if it does not expire.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    expires_at: Option<String>,
    /// Whether the profile is active. Plans can be created from an active profile until it expires.
    is_active: bool,
    /// Whether `expires_at` has passed.
    is_expired: bool,
    /// The version: 1 for a new profile, increased by each change.
    version: u32,
    /// The time when the profile was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time of the last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
}

/// An exported profile.
pub(crate) type ExportedProfile = Draft<PreferencesBody>;

/// The caller that made a change.
#[derive(ToSchema)]
#[allow(dead_code)] // As above.
pub(crate) struct AuditActor {
    /// The user of the profile. Null if the service made the change automatically.
    #[schema(required)]
    user_id: Option<String>,
    /// The name of the API key. `system` if the service made the change automatically.
    key_name: String,
    /// The IP address of the caller.
    #[schema(required)]
    address: Option<String>,
    /// The `User-Agent` of the caller.
    #[schema(required)]
    user_agent: Option<String>,
}
