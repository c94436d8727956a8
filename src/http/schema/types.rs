//! Types that the document needs and the code does not: texts of one form, and closed lists of words.

use registry_actors::settings::Origin;
use registry_planning::catalogue::Field;
use registry_planning::feed::{ACCOUNTS_MAX, NAME_CHARACTERS_MAX, PRIORITY_MAX};
use registry_planning::vocabulary::Broker;
use registry_store::jobs::JobStatus;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Declares string types with their description and pattern.
macro_rules! texts {
    ($($name:ident: $description:literal, $pattern:literal;)+) => { $(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                text.description(Some($description)).pattern(Some($pattern)).into()
            }
        }

        impl ToSchema for $name {}
    )+ };
}

/// Declares closed lists with their description and words.
macro_rules! words {
    ($($name:ident: $description:literal, $words:expr;)+) => { $(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                text.description(Some($description)).enum_values(Some($words)).into()
            }
        }

        impl ToSchema for $name {}
    )+ };
}

/// Declares integer types with their description and limits.
macro_rules! numbers {
    ($($name:ident: $description:literal, $min:expr, $max:expr;)+) => { $(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Integer).description(Some($description));
                number.minimum(Some($min)).maximum(Some($max)).into()
            }
        }

        impl ToSchema for $name {}
    )+ };
}

texts! {
    PlanId: "The id of a plan.", "^plan_[0-9a-f]{32}$";
    ProfileId: "The id of a profile.", "^profile_[0-9a-f]{32}$";
    ConflictId: "The id of a conflict.", "^conflict_[0-9a-f]{32}$";
    JobId: "The id of a job.", "^job_[0-9a-f]{32}$";
    UserId: "The id of a user.", "^[A-Za-z0-9._@:-]{1,64}$";
    ProfileUserId: "The id of a user of profiles.", "^[A-Za-z0-9._@:-]{1,50}$";
    InstrumentKey: "The key of an instrument: `EXCHANGE:SYMBOL`.", "^[A-Z0-9]+:.+$";
    PlanCursor: "The position of a page in a list. Its format may change, so use the value of `next_cursor`.", "^after-[0-9a-f]{32}$";
    ProfilePlanCursor: "The position of a page in a list. Its format may change, so use the value of `next_cursor`.", "^after-plan_[0-9a-f]{32}$";
    ProfileCursor: "The position of a page in a list. Its format may change, so use the value of `next_cursor`.", "^after-profile_[0-9a-f]{32}$";
    ConflictCursor: "The position of a page in a list. Its format may change, so use the value of `next_cursor`.", "^after-conflict_[0-9a-f]{32}$";
    NumberCursor: "The position of a page in a list. Its format may change, so use the value of `next_cursor`.", "^after-[0-9]{1,18}$";
    RequestedKey: "An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`.", r"^[\s\S]{1,100}$";
    StoredKey: "An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`. It must not contain U+0000.", r"^[^\u0000]{1,100}$";
    WellFormedKey: "The key of an instrument: `EXCHANGE:SYMBOL`. Symbols may also contain letters of other scripts.", "^[A-Z0-9]{1,20}:[ -~]{1,79}$";
    TimeOfDay: "A time of day in Asia/Kolkata: `HH:MM`.", "^([01][0-9]|2[0-3]):[0-5][0-9]$";
    Sha256: "A SHA-256 digest in hexadecimal digits.", "^[0-9a-f]{64}$";
}

numbers! {
    Priority: "The priority of an instrument. Instruments with the highest priority are kept first.", 0, PRIORITY_MAX;
    PriorityNumber: "The priority of a job.", 1, 10;
}

words! {
    FileBroker: "A broker whose files the service reads.", Broker::WITH_FILES.map(Broker::as_str);
    PlanOrigin: "Whether the plan was created, reused, or only computed.", ["created", "cached", "dry_run"];
    ReplanOrigin: "Whether the plan was created, or reused because nothing has changed since the previous one.", ["created", "cached"];
    CapacityWord: "The capacity of the accounts that a plan may use. `whole`: as if they were free.", ["whole"];
    IncludeWord: "A part of a plan that is returned on request.", ["subscriptions"];
    ChangeStatus: "The change of the profile.", ["created", "updated", "activated", "deactivated", "restored"];
    ImportStatus: "The result for the profile. `deactivated`: created, then deactivated because of a later profile in the file.", ["created", "deactivated", "failed"];
    ExportFormat: "The format of a file of profiles.", ["json", "csv"];
    SubscriptionFormat: "The format of subscriptions: a list, or the arguments of the SDK of a broker.", std::iter::once("json").chain(Broker::ALL.map(Broker::as_str));
    QueuedStatus: "The status of a new job.", ["queued"];
    JobState: "The status of a job.", [JobStatus::Queued, JobStatus::Running, JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled].map(JobStatus::as_str);
    SettingOrigin: "The source of the value of a setting.", Origin::ALL.iter().map(|origin| origin.as_str());
    ApiVersion: "The version of the API.", ["v1"];
    FreshnessStatus: "The age of the catalog data. `unknown`: no file has a date. `demonstration`: no file has been accepted yet.", ["current", "stale", "unknown", "demonstration", "empty"];
    UnresolvedReason: "The reason why a key was not resolved.", ["malformed", "unknown"];
    InstrumentField: "A field of an instrument.", Field::ALL.map(Field::as_str);
    HealthStatus: "The process responds.", ["healthy"];
    ReadyStatus: "Whether the service is ready to handle requests.", ["ready", "not_ready"];
    CheckStatus: "The state of a dependency or an actor.", ["ok", "degraded", "unavailable", "not_configured"];
    BreakerState: "The state of a circuit breaker.", ["closed", "open", "half_open"];
    StatusWord: "The state of the service.", ["ok", "degraded", "not_ready"];
    Severity: "The severity of a problem.", ["critical", "warning"];
    ActorState: "The state of an actor.", ["running", "restarting", "unresponsive", "at_capacity"];
    Dependency: "A dependency.", ["database", "redis", "config_service"];
    ForcedState: "The state of a circuit breaker that an operator has forced.", ["open", "closed"];
    BreakerAction: "An action on a circuit breaker.", ["force_open", "force_closed", "reset"];
    RefreshOutcome: "The outcome of a refresh of the settings. `partial`: some keys were not read.", ["ok", "partial", "failed", "not_configured"];
    ResolvedStatus: "The result of resolving a conflict by hand.", ["resolved", "failed"];
    PriorityWord: "The priority of a job: `low` (1), `normal` (5) or `high` (10).", ["low", "normal", "high"];
}

/// Declares files as they are sent.
macro_rules! files {
    ($($name:ident: $description:literal;)+) => { $(
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
                let file = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
                file.description(Some($description)).min_length(Some(1)).into()
            }
        }

        impl ToSchema for $name {}
    )+ };
}

files! {
    Upload: "A file of a broker, plain, gzipped or in a zip archive.";
    CsvFile: "A CSV file: one key per line, or a header and one row per instrument.";
}

/// A number of accounts, or their names.
pub(crate) struct AccountChoice;

impl PartialSchema for AccountChoice {
    fn schema() -> RefOr<Schema> {
        let count = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(ACCOUNTS_MAX));
        let count = count.description(Some("The number of accounts, in the order of the settings."));
        let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let name = name.max_length(Some(NAME_CHARACTERS_MAX)).pattern(Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"));
        let name = name.description(Some("The name of an account."));
        let names = ArrayBuilder::new().items(name).min_items(Some(1)).max_items(Some(ACCOUNTS_MAX as usize));
        let names = names.unique_items(true).description(Some("The names of the accounts."));
        let choice = OneOfBuilder::new().item(count).item(names);
        choice.description(Some("The accounts that a plan may use: a number of accounts, or their names.")).into()
    }
}

impl ToSchema for AccountChoice {}
