//! The parameters of operations, as the document describes them. The handlers read them themselves.

use chrono::NaiveDate;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::ingest::selection::Mode as IngestMode;
use registry_planning::plan::PlanStatus;
use registry_planning::profile::{ConflictStatus, ConflictType};
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType, SubscriptionType};
use utoipa::IntoParams;

use super::types::{
    ConflictCursor, ConflictId, Dependency, ExportFormat, FileBroker, IncludeWord, InstrumentKey, JobId, NumberCursor,
    PlanCursor, PlanId, ProfileCursor, ProfileId, ProfilePlanCursor, ProfileUserId, RequestedKey, SubscriptionFormat,
    UserId,
};

/// Declares parameters in one place of a request.
macro_rules! parameters {
    ($($name:ident in $place:ident { $($(#[$meta:meta])* $field:ident: $kind:ty,)+ })+) => { $(
        #[derive(IntoParams)]
        #[into_params(parameter_in = $place)]
        #[allow(dead_code)] // Only documentation: handlers read parameters one by one, to report every fault at once.
        pub(crate) struct $name { $($(#[$meta])* $field: $kind,)+ }
    )+ };
}

parameters! {
    PlanPath in Path {
        /// The id of the plan.
        plan_id: PlanId,
    }
    ProfilePath in Path {
        /// The id of the profile.
        profile_id: ProfileId,
    }
    ProfileVersionPath in Path {
        /// The version of the profile.
        #[param(minimum = 1, maximum = 4_294_967_295_u32)]
        version: u32,
    }
    UserPath in Path {
        /// The user that the profiles belong to.
        user_id: ProfileUserId,
    }
    ConflictPath in Path {
        /// The id of the conflict.
        conflict_id: ConflictId,
    }
    JobPath in Path {
        /// The id of the job.
        job_id: JobId,
    }
    BrokerPath in Path {
        /// The broker.
        broker_id: Broker,
    }
    DependencyPath in Path {
        /// The dependency.
        dependency: Dependency,
    }
    FileBrokerPath in Path {
        /// The broker that published the file.
        broker_id: FileBroker,
    }
    CalendarQuery in Query {
        /// Selects the entries of this exchange. `NFO` and `BFO` have those of their cash market, unless the calendar has
        /// entries of their own.
        exchange: Option<Exchange>,
        /// Selects the entries from this date on, and the regular sessions that apply then.
        from: Option<NaiveDate>,
        /// Selects the entries up to this date.
        to: Option<NaiveDate>,
    }
    TierQuery in Query {
        /// The tier of the account; by default the default tier of the broker.
        tier: Option<String>,
    }
    KeyPath in Path {
        /// The key of the instrument, or an alias of it. Characters that a path does not allow are percent-encoded:
        /// `NSE:M%26M`.
        instrument_key: InstrumentKey,
    }
    CatalogVersionPath in Path {
        /// The version of the catalog.
        #[param(minimum = 1)]
        version: i64,
    }
    IfMatch in Header {
        /// The `ETag` of the version that the caller has seen, or `*`. The service rejects the request with 412 if the
        /// profile has another version.
        #[param(rename = "If-Match")]
        if_match: Option<String>,
    }
    IfNoneMatch in Header {
        /// The `ETag` of an earlier response. The service returns 304 without a body if it is still valid.
        #[param(rename = "If-None-Match")]
        if_none_match: Option<String>,
    }
    IdempotencyKey in Header {
        /// A key that the caller chooses. For 24 hours, a repeat of the same request with the key returns the first response,
        /// with the header `Idempotency-Replayed`. Another request with the key is rejected with 422
        /// `idempotency_key_reused`. A repeat while the first request is in flight is rejected with 409
        /// `idempotency_key_in_flight`. After a request that failed, the key can be used again. After 504
        /// `unknown_outcome`, repeat the request with the same key.
        #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
        idempotency_key: Option<String>,
    }
    UserQuery in Query {
        /// The user that the plan is for.
        user_id: UserId,
    }
    IncludeQuery in Query {
        /// `subscriptions`: the response also contains the subscriptions of the plan, which must name a broker.
        include: Option<IncludeWord>,
    }
    PlanListQuery in Query {
        /// Selects the plans of this user.
        user_id: Option<UserId>,
        /// Selects plans of this type.
        subscription_type: Option<SubscriptionType>,
        /// Selects plans in this status.
        status: Option<PlanStatus>,
    }
    SubscriptionsQuery in Query {
        /// Selects the subscriptions of this connection. If it is absent, those of all connections are returned.
        #[param(minimum = 1, maximum = 4_294_967_295_u32)]
        connection: Option<u32>,
        /// The format of the response: `json`, or the broker of the plan for the arguments of its SDK.
        #[param(default = "json")]
        format: Option<SubscriptionFormat>,
    }
    FromQuery in Query {
        /// The id of the earlier plan. If it is absent, nothing is subscribed before.
        #[param(min_length = 1, max_length = 100, pattern = "^[!-~]+$")]
        from: Option<String>,
    }
    ScheduleQuery in Query {
        /// The id of the earlier plan. If it is absent, nothing is subscribed before.
        #[param(min_length = 1, max_length = 100, pattern = "^[!-~]+$")]
        from: Option<String>,
        /// Selects the messages of this connection. Without `from`, the other connections stay as they are.
        #[param(minimum = 1, maximum = 4_294_967_295_u32)]
        connection: Option<u32>,
        /// The format of the messages: `json`, or the broker of the plan for the arguments of its SDK.
        #[param(default = "json")]
        format: Option<SubscriptionFormat>,
    }
    ExplainQuery in Query {
        /// The key to explain, as the request of the plan has it.
        instrument: RequestedKey,
    }
    Page200 in Query {
        /// The maximum number of entries on the page.
        #[param(minimum = 1, maximum = 200, default = 50)]
        limit: Option<u32>,
        /// The number of entries to skip. Cannot be combined with `cursor`.
        #[param(minimum = 0, maximum = 10_000, default = 0)]
        offset: Option<u64>,
    }
    Page1000 in Query {
        /// The maximum number of entries on the page.
        #[param(minimum = 1, maximum = 1000, default = 100)]
        limit: Option<u32>,
        /// The number of entries to skip. Cannot be combined with `cursor`.
        #[param(minimum = 0, maximum = 10_000, default = 0)]
        offset: Option<u64>,
    }
    AfterPlan in Query {
        /// The `next_cursor` of the previous page. Unlike `offset`, it works for lists of any length. Cannot be combined
        /// with `offset`.
        cursor: Option<PlanCursor>,
    }
    AfterProfilePlan in Query {
        /// The `next_cursor` of the previous page. Unlike `offset`, it works for lists of any length. Cannot be combined
        /// with `offset`.
        cursor: Option<ProfilePlanCursor>,
    }
    AfterProfile in Query {
        /// The `next_cursor` of the previous page. Unlike `offset`, it works for lists of any length. Cannot be combined
        /// with `offset`.
        cursor: Option<ProfileCursor>,
    }
    AfterConflict in Query {
        /// The `next_cursor` of the previous page. Unlike `offset`, it works for lists of any length. Cannot be combined
        /// with `offset`.
        cursor: Option<ConflictCursor>,
    }
    AfterNumber in Query {
        /// The `next_cursor` of the previous page. Unlike `offset`, it works for lists of any length. Cannot be combined
        /// with `offset`.
        cursor: Option<NumberCursor>,
    }
    AttentionQuery in Query {
        /// Selects the profiles of this user.
        user_id: Option<ProfileUserId>,
        /// The maximum number of profiles to return.
        #[param(minimum = 1, maximum = 200, default = 50)]
        limit: Option<u32>,
        /// The `next_cursor` of the previous page.
        cursor: Option<ProfileCursor>,
    }
    ProfileListQuery in Query {
        /// Selects profiles of this type.
        subscription_type: Option<SubscriptionType>,
        /// Selects active or inactive profiles. If it is absent, both are listed.
        is_active: Option<bool>,
    }
    ConflictListQuery in Query {
        /// Selects conflicts in this status.
        status: Option<ConflictStatus>,
        /// Selects conflicts of this type.
        conflict_type: Option<ConflictType>,
    }
    ExportQuery in Query {
        /// The format of the file. CSV contains names, types and instruments only.
        #[param(default = "json")]
        format: Option<ExportFormat>,
        /// Selects active or inactive profiles.
        #[param(default = true)]
        is_active: Option<bool>,
        /// The `next_cursor` of the previous page. For CSV, it is in the header `X-Next-Cursor`.
        cursor: Option<ProfileCursor>,
    }
    ImportQuery in Query {
        /// CSV only: the profile name for rows without a name.
        #[param(min_length = 1, max_length = 255, pattern = r"^[^\u0000]*$", default = "Watchlist")]
        profile_name: Option<String>,
        /// CSV only: the subscription type for rows without a type.
        #[param(default = "live_feed")]
        subscription_type: Option<SubscriptionType>,
    }
    ResolveQuery in Query {
        /// A symbol, an alias or a complete key. Either this or `isin` is required.
        #[param(min_length = 1, max_length = 100)]
        symbol: Option<String>,
        /// The ISIN. Either this or `symbol` is required.
        #[param(pattern = "^[A-Z0-9]{12}$")]
        isin: Option<String>,
        /// Selects instruments on this exchange.
        exchange: Option<Exchange>,
        /// Selects instruments of this type.
        instrument_type: Option<InstrumentType>,
    }
    InstrumentListQuery in Query {
        /// Selects instruments on this exchange.
        exchange: Option<Exchange>,
        /// Selects instruments of this type.
        instrument_type: Option<InstrumentType>,
        /// Selects active or inactive instruments. An active instrument is in the last accepted file of a broker.
        #[param(default = true)]
        is_active: Option<bool>,
        /// The maximum number of entries on the page.
        #[param(minimum = 1, maximum = 1000, default = 100)]
        limit: Option<u32>,
        /// The number of instruments to skip.
        #[param(minimum = 0, maximum = 9_223_372_036_854_775_807_u64, default = 0)]
        offset: Option<u64>,
    }
    SearchQuery in Query {
        /// The page number, from 1.
        #[param(minimum = 1, maximum = 4_294_967_295_u32, default = 1)]
        page: Option<u32>,
        /// The maximum number of entries on the page.
        #[param(minimum = 1, maximum = 500, default = 50)]
        page_size: Option<u32>,
    }
    SummaryQuery in Query {
        /// Whether to include `detailed_stats`.
        #[param(default = true)]
        include_stats: Option<bool>,
    }
    CatalogVersionsQuery in Query {
        /// The maximum number of entries on the page.
        #[param(minimum = 1, maximum = 200, default = 50)]
        limit: Option<u32>,
        /// The `next_before` of the previous page.
        #[param(minimum = 0)]
        before: Option<i64>,
    }
    CatalogDiffQuery in Query {
        /// Selects changes of this kind.
        kind: Option<ChangeKind>,
        /// The maximum number of changes to return.
        #[param(minimum = 1, maximum = 5000, default = 100)]
        limit: Option<u32>,
    }
    IngestQuery in Query {
        /// The trading date of the file, at most tomorrow in Asia/Kolkata. If it is absent, the service uses the date in the
        /// name of the file, if there is one.
        file_date: Option<NaiveDate>,
        /// Whether to accept the file even if a gate rejects it. A file without rows, or with a date later than tomorrow, is
        /// always rejected.
        #[param(default = false)]
        force: Option<bool>,
        /// Upload only: the name of the file.
        #[param(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
        file_name: Option<String>,
        /// Upload only: the way in which the file replaces the last load of the broker; `full_catalog` if it is absent.
        /// `on_demand` requires a filter.
        mode: Option<IngestMode>,
        /// Upload only: the priority, a number from 1 to 10, or `low` (1), `normal` (5) or `high` (10); `normal` if it is
        /// absent. The queued job with the highest priority runs first.
        #[param(pattern = "^([1-9]|10|low|normal|high)$")]
        priority: Option<String>,
        /// Upload only: the exchanges that the file covers, separated by commas.
        #[param(pattern = "^(BCD|BFO|BSE|CDS|GLOBAL|MCX|NCO|NFO|NSE|NSEIX)(,(BCD|BFO|BSE|CDS|GLOBAL|MCX|NCO|NFO|NSE|NSEIX))*$")]
        exchanges: Option<String>,
        /// Upload only: the segments that the file covers, separated by commas.
        #[param(pattern = "^(NSE_EQ|BSE_EQ|NSE_INDEX|BSE_INDEX|MCX_INDEX|GLOBAL_INDEX|NSE_FO|BSE_FO|NCD_FO|BCD_FO|NSE_COM|MCX_FO|NSEIX)(,(NSE_EQ|BSE_EQ|NSE_INDEX|BSE_INDEX|MCX_INDEX|GLOBAL_INDEX|NSE_FO|BSE_FO|NCD_FO|BCD_FO|NSE_COM|MCX_FO|NSEIX))*$")]
        segments: Option<String>,
        /// Upload only: the instrument types that the file covers, separated by commas.
        #[param(pattern = "^(INDEX|EQ|FUT|CE|PE|FUND|COM|DEBT)(,(INDEX|EQ|FUT|CE|PE|FUND|COM|DEBT))*$")]
        instrument_types: Option<String>,
    }
}
