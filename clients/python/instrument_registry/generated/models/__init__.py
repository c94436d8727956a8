"""Contains all the data models used in inputs/outputs"""

from .account_entry import AccountEntry
from .account_limits import AccountLimits
from .account_limits_endpoints import AccountLimitsEndpoints
from .account_limits_index_packet_bytes import AccountLimitsIndexPacketBytes
from .account_limits_modes import AccountLimitsModes
from .account_limits_packet_bytes import AccountLimitsPacketBytes
from .action import Action
from .action_counts import ActionCounts
from .action_kind import ActionKind
from .activate_body import ActivateBody
from .actor_state import ActorState
from .allocated_connection import AllocatedConnection
from .allocated_connection_modes import AllocatedConnectionModes
from .allocation import Allocation
from .alternative import Alternative
from .api_version import ApiVersion
from .asset_class import AssetClass
from .attention import Attention
from .attention_answer import AttentionAnswer
from .audit_actor import AuditActor
from .audit_answer import AuditAnswer
from .audit_cleanup_answer import AuditCleanupAnswer
from .audit_log_entry import AuditLogEntry
from .audit_log_entry_new_data_type_0 import AuditLogEntryNewDataType0
from .audit_log_entry_old_data_type_0 import AuditLogEntryOldDataType0
from .batch_action import BatchAction
from .batch_answer import BatchAnswer
from .batch_body import BatchBody
from .batch_entry import BatchEntry
from .breaker_action import BreakerAction
from .breaker_answer import BreakerAnswer
from .breaker_state import BreakerState
from .broker import Broker
from .broker_analysis import BrokerAnalysis
from .broker_change import BrokerChange
from .broker_entry import BrokerEntry
from .broker_support import BrokerSupport
from .broker_value import BrokerValue
from .brokers_answer import BrokersAnswer
from .calendar_answer import CalendarAnswer
from .calendar_entry import CalendarEntry
from .capacity_word import CapacityWord
from .catalogue_comparison import CatalogueComparison
from .catalogue_difference import CatalogueDifference
from .catalogue_reference import CatalogueReference
from .change_answer import ChangeAnswer
from .change_entry import ChangeEntry
from .change_kind import ChangeKind
from .change_mode import ChangeMode
from .change_mode_figure import ChangeModeFigure
from .change_status import ChangeStatus
from .changed_field import ChangedField
from .check import Check
from .check_lanes import CheckLanes
from .check_status import CheckStatus
from .cleanup_answer import CleanupAnswer
from .config_answer import ConfigAnswer
from .config_answer_configuration import ConfigAnswerConfiguration
from .config_answer_sources import ConfigAnswerSources
from .conflict_answer import ConflictAnswer
from .conflict_list_answer import ConflictListAnswer
from .conflict_status import ConflictStatus
from .conflict_type import ConflictType
from .connection_messages import ConnectionMessages
from .contradiction_counts_entry import ContradictionCountsEntry
from .contradiction_counts_entry_by_broker import ContradictionCountsEntryByBroker
from .contradiction_counts_entry_by_field import ContradictionCountsEntryByField
from .contradiction_entry import ContradictionEntry
from .cost_breakdown import CostBreakdown
from .cost_breakdown_exchange_costs import CostBreakdownExchangeCosts
from .counts_entry import CountsEntry
from .coverage_entry import CoverageEntry
from .decision import Decision
from .dependency import Dependency
from .describe_answer import DescribeAnswer
from .describe_body import DescribeBody
from .description import Description
from .description_level import DescriptionLevel
from .detailed_risk import DetailedRisk
from .detailed_stats import DetailedStats
from .detailed_stats_by_exchange import DetailedStatsByExchange
from .detailed_stats_by_type import DetailedStatsByType
from .diff_answer import DiffAnswer
from .diff_answer_diff_counts import DiffAnswerDiffCounts
from .dismiss_answer import DismissAnswer
from .displaced import Displaced
from .endpoint_limits import EndpointLimits
from .entry_kind import EntryKind
from .exchange import Exchange
from .expiry_share import ExpiryShare
from .explain_answer import ExplainAnswer
from .explained_connection import ExplainedConnection
from .explained_mode import ExplainedMode
from .explanation import Explanation
from .explanation_basis import ExplanationBasis
from .export_answer import ExportAnswer
from .export_format import ExportFormat
from .exported_profile import ExportedProfile
from .fault import Fault
from .fee_figure import FeeFigure
from .field import Field
from .file import File
from .file_broker import FileBroker
from .filtering_strictness import FilteringStrictness
from .filters import Filters
from .flag_figure import FlagFigure
from .force_breaker_body import ForceBreakerBody
from .forced_state import ForcedState
from .freshness import Freshness
from .freshness_status import FreshnessStatus
from .grade import Grade
from .health_answer import HealthAnswer
from .health_status import HealthStatus
from .highlight_entry import HighlightEntry
from .historical_limits import HistoricalLimits
from .import_answer import ImportAnswer
from .import_body import ImportBody
from .import_result import ImportResult
from .import_status import ImportStatus
from .imported_profile import ImportedProfile
from .include_word import IncludeWord
from .ingest_answer import IngestAnswer
from .ingest_body import IngestBody
from .ingest_filters import IngestFilters
from .ingest_mode import IngestMode
from .instrument_analysis import InstrumentAnalysis
from .instrument_analysis_exchanges import InstrumentAnalysisExchanges
from .instrument_analysis_instrument_types import InstrumentAnalysisInstrumentTypes
from .instrument_answer import InstrumentAnswer
from .instrument_answer_sources import InstrumentAnswerSources
from .instrument_change import InstrumentChange
from .instrument_entry import InstrumentEntry
from .instrument_field import InstrumentField
from .instrument_item import InstrumentItem
from .instrument_type import InstrumentType
from .instruments_answer import InstrumentsAnswer
from .job_answer import JobAnswer
from .job_state import JobState
from .lane_check import LaneCheck
from .limit_utilization import LimitUtilization
from .limits_answer import LimitsAnswer
from .list_answer import ListAnswer
from .list_pagination import ListPagination
from .log_level_answer import LogLevelAnswer
from .log_level_body import LogLevelBody
from .lowered_mode import LoweredMode
from .match_kind import MatchKind
from .metadata import Metadata
from .mode import Mode
from .mode_change import ModeChange
from .mode_cost import ModeCost
from .mode_leg import ModeLeg
from .mode_limits import ModeLimits
from .needed import Needed
from .number_figure import NumberFigure
from .on_excess import OnExcess
from .on_excess_figure import OnExcessFigure
from .optimization_level import OptimizationLevel
from .optimization_result import OptimizationResult
from .optimization_result_exchange_distribution import (
    OptimizationResultExchangeDistribution,
)
from .other_change_mode import OtherChangeMode
from .other_fee import OtherFee
from .other_flag import OtherFlag
from .other_number import OtherNumber
from .other_on_excess import OtherOnExcess
from .other_segments import OtherSegments
from .other_text import OtherText
from .overruled import Overruled
from .pagination import Pagination
from .patch_body import PatchBody
from .performance_analysis import PerformanceAnalysis
from .performance_metrics import PerformanceMetrics
from .placed_connection import PlacedConnection
from .placement_move import PlacementMove
from .placement_strategy import PlacementStrategy
from .plan import Plan
from .plan_action import PlanAction
from .plan_answer import PlanAnswer
from .plan_diff import PlanDiff
from .plan_diff_answer import PlanDiffAnswer
from .plan_entry import PlanEntry
from .plan_of_instruments import PlanOfInstruments
from .plan_of_items import PlanOfItems
from .plan_of_profile import PlanOfProfile
from .plan_of_selectors import PlanOfSelectors
from .plan_origin import PlanOrigin
from .plan_status import PlanStatus
from .planned_feed import PlannedFeed
from .planned_feed_modes import PlannedFeedModes
from .planned_stream import PlannedStream
from .preferences_body import PreferencesBody
from .preferences_body_min_modes_type_0 import PreferencesBodyMinModesType0
from .preferences_body_modes_type_0 import PreferencesBodyModesType0
from .preferences_body_priorities_type_0 import PreferencesBodyPrioritiesType0
from .priority_word import PriorityWord
from .problem import Problem
from .profile_body import ProfileBody
from .profile_conflict import ProfileConflict
from .profile_conflict_conflict_data import ProfileConflictConflictData
from .profile_conflict_resolution_data_type_0 import ProfileConflictResolutionDataType0
from .profile_counts import ProfileCounts
from .profile_counts_profiles_by_type import ProfileCountsProfilesByType
from .profile_entry import ProfileEntry
from .profile_list_answer import ProfileListAnswer
from .profile_plan_entry import ProfilePlanEntry
from .profile_plans_answer import ProfilePlansAnswer
from .profile_read_answer import ProfileReadAnswer
from .profile_reference import ProfileReference
from .profile_stats_answer import ProfileStatsAnswer
from .profile_version_entry import ProfileVersionEntry
from .profile_versions_answer import ProfileVersionsAnswer
from .quality_entry import QualityEntry
from .queued_status import QueuedStatus
from .read_answer import ReadAnswer
from .ready_answer import ReadyAnswer
from .ready_answer_checks import ReadyAnswerChecks
from .ready_status import ReadyStatus
from .ready_time import ReadyTime
from .reason import Reason
from .rebalance_answer import RebalanceAnswer
from .recommendation import Recommendation
from .refresh_answer import RefreshAnswer
from .refresh_outcome import RefreshOutcome
from .rejected_row import RejectedRow
from .rejection import Rejection
from .replan_answer import ReplanAnswer
from .replan_diff import ReplanDiff
from .replan_origin import ReplanOrigin
from .resolve_answer import ResolveAnswer
from .resolve_body import ResolveBody
from .resolved_status import ResolvedStatus
from .risk_analysis import RiskAnalysis
from .risk_level import RiskLevel
from .rules_body import RulesBody
from .scalability_assessment import ScalabilityAssessment
from .schedule_answer import ScheduleAnswer
from .scheduled_batch import ScheduledBatch
from .scope import Scope
from .search_answer import SearchAnswer
from .search_body import SearchBody
from .search_filters import SearchFilters
from .search_hit import SearchHit
from .search_metadata import SearchMetadata
from .search_metadata_matches import SearchMetadataMatches
from .search_pagination import SearchPagination
from .segment import Segment
from .segments_figure import SegmentsFigure
from .selector import Selector
from .selector_item import SelectorItem
from .session_entry import SessionEntry
from .setting_origin import SettingOrigin
from .severity import Severity
from .sort_by import SortBy
from .sort_order import SortOrder
from .status_actor import StatusActor
from .status_answer import StatusAnswer
from .status_batches import StatusBatches
from .status_breaker import StatusBreaker
from .status_broker import StatusBroker
from .status_broker_last_diff_type_0 import StatusBrokerLastDiffType0
from .status_caches import StatusCaches
from .status_catalog import StatusCatalog
from .status_document import StatusDocument
from .status_endpoint import StatusEndpoint
from .status_health import StatusHealth
from .status_history import StatusHistory
from .status_job import StatusJob
from .status_lane import StatusLane
from .status_local_cache import StatusLocalCache
from .status_minute import StatusMinute
from .status_plans import StatusPlans
from .status_plans_active import StatusPlansActive
from .status_plans_created_by_broker import StatusPlansCreatedByBroker
from .status_point import StatusPoint
from .status_problem import StatusProblem
from .status_process import StatusProcess
from .status_refusal import StatusRefusal
from .status_requests import StatusRequests
from .status_settings import StatusSettings
from .status_settings_origins import StatusSettingsOrigins
from .status_shared_cache import StatusSharedCache
from .status_word import StatusWord
from .strategy import Strategy
from .subscribe_limits import SubscribeLimits
from .subscription import Subscription
from .subscription_format import SubscriptionFormat
from .subscription_profile import SubscriptionProfile
from .subscription_type import SubscriptionType
from .subscriptions_answer import SubscriptionsAnswer
from .substituted_mode import SubstitutedMode
from .summary_answer import SummaryAnswer
from .summary_answer_exchanges import SummaryAnswerExchanges
from .summary_answer_instrument_types import SummaryAnswerInstrumentTypes
from .text_figure import TextFigure
from .token_answer import TokenAnswer
from .token_mapping import TokenMapping
from .underlying_share import UnderlyingShare
from .unresolved_reason import UnresolvedReason
from .used_limit import UsedLimit
from .validation_results import ValidationResults
from .verdict import Verdict
from .verification import Verification
from .verification_answer import VerificationAnswer
from .verification_basis import VerificationBasis
from .verification_counts import VerificationCounts
from .verified_catalogue import VerifiedCatalogue
from .verified_instrument import VerifiedInstrument
from .version_entry import VersionEntry
from .version_entry_diff_counts_type_0 import VersionEntryDiffCountsType0
from .version_entry_rejected import VersionEntryRejected
from .version_entry_skipped import VersionEntrySkipped
from .versions_answer import VersionsAnswer

__all__ = (
    "AccountEntry",
    "AccountLimits",
    "AccountLimitsEndpoints",
    "AccountLimitsIndexPacketBytes",
    "AccountLimitsModes",
    "AccountLimitsPacketBytes",
    "Action",
    "ActionCounts",
    "ActionKind",
    "ActivateBody",
    "ActorState",
    "AllocatedConnection",
    "AllocatedConnectionModes",
    "Allocation",
    "Alternative",
    "ApiVersion",
    "AssetClass",
    "Attention",
    "AttentionAnswer",
    "AuditActor",
    "AuditAnswer",
    "AuditCleanupAnswer",
    "AuditLogEntry",
    "AuditLogEntryNewDataType0",
    "AuditLogEntryOldDataType0",
    "BatchAction",
    "BatchAnswer",
    "BatchBody",
    "BatchEntry",
    "BreakerAction",
    "BreakerAnswer",
    "BreakerState",
    "Broker",
    "BrokerAnalysis",
    "BrokerChange",
    "BrokerEntry",
    "BrokerSupport",
    "BrokerValue",
    "BrokersAnswer",
    "CalendarAnswer",
    "CalendarEntry",
    "CapacityWord",
    "CatalogueComparison",
    "CatalogueDifference",
    "CatalogueReference",
    "ChangeAnswer",
    "ChangeEntry",
    "ChangeKind",
    "ChangeMode",
    "ChangeModeFigure",
    "ChangeStatus",
    "ChangedField",
    "Check",
    "CheckLanes",
    "CheckStatus",
    "CleanupAnswer",
    "ConfigAnswer",
    "ConfigAnswerConfiguration",
    "ConfigAnswerSources",
    "ConflictAnswer",
    "ConflictListAnswer",
    "ConflictStatus",
    "ConflictType",
    "ConnectionMessages",
    "ContradictionCountsEntry",
    "ContradictionCountsEntryByBroker",
    "ContradictionCountsEntryByField",
    "ContradictionEntry",
    "CostBreakdown",
    "CostBreakdownExchangeCosts",
    "CountsEntry",
    "CoverageEntry",
    "Decision",
    "Dependency",
    "DescribeAnswer",
    "DescribeBody",
    "Description",
    "DescriptionLevel",
    "DetailedRisk",
    "DetailedStats",
    "DetailedStatsByExchange",
    "DetailedStatsByType",
    "DiffAnswer",
    "DiffAnswerDiffCounts",
    "DismissAnswer",
    "Displaced",
    "EndpointLimits",
    "EntryKind",
    "Exchange",
    "ExpiryShare",
    "ExplainAnswer",
    "ExplainedConnection",
    "ExplainedMode",
    "Explanation",
    "ExplanationBasis",
    "ExportAnswer",
    "ExportFormat",
    "ExportedProfile",
    "Fault",
    "FeeFigure",
    "Field",
    "File",
    "FileBroker",
    "FilteringStrictness",
    "Filters",
    "FlagFigure",
    "ForceBreakerBody",
    "ForcedState",
    "Freshness",
    "FreshnessStatus",
    "Grade",
    "HealthAnswer",
    "HealthStatus",
    "HighlightEntry",
    "HistoricalLimits",
    "ImportAnswer",
    "ImportBody",
    "ImportResult",
    "ImportStatus",
    "ImportedProfile",
    "IncludeWord",
    "IngestAnswer",
    "IngestBody",
    "IngestFilters",
    "IngestMode",
    "InstrumentAnalysis",
    "InstrumentAnalysisExchanges",
    "InstrumentAnalysisInstrumentTypes",
    "InstrumentAnswer",
    "InstrumentAnswerSources",
    "InstrumentChange",
    "InstrumentEntry",
    "InstrumentField",
    "InstrumentItem",
    "InstrumentType",
    "InstrumentsAnswer",
    "JobAnswer",
    "JobState",
    "LaneCheck",
    "LimitUtilization",
    "LimitsAnswer",
    "ListAnswer",
    "ListPagination",
    "LogLevelAnswer",
    "LogLevelBody",
    "LoweredMode",
    "MatchKind",
    "Metadata",
    "Mode",
    "ModeChange",
    "ModeCost",
    "ModeLeg",
    "ModeLimits",
    "Needed",
    "NumberFigure",
    "OnExcess",
    "OnExcessFigure",
    "OptimizationLevel",
    "OptimizationResult",
    "OptimizationResultExchangeDistribution",
    "OtherChangeMode",
    "OtherFee",
    "OtherFlag",
    "OtherNumber",
    "OtherOnExcess",
    "OtherSegments",
    "OtherText",
    "Overruled",
    "Pagination",
    "PatchBody",
    "PerformanceAnalysis",
    "PerformanceMetrics",
    "PlacedConnection",
    "PlacementMove",
    "PlacementStrategy",
    "Plan",
    "PlanAction",
    "PlanAnswer",
    "PlanDiff",
    "PlanDiffAnswer",
    "PlanEntry",
    "PlanOfInstruments",
    "PlanOfItems",
    "PlanOfProfile",
    "PlanOfSelectors",
    "PlanOrigin",
    "PlanStatus",
    "PlannedFeed",
    "PlannedFeedModes",
    "PlannedStream",
    "PreferencesBody",
    "PreferencesBodyMinModesType0",
    "PreferencesBodyModesType0",
    "PreferencesBodyPrioritiesType0",
    "PriorityWord",
    "Problem",
    "ProfileBody",
    "ProfileConflict",
    "ProfileConflictConflictData",
    "ProfileConflictResolutionDataType0",
    "ProfileCounts",
    "ProfileCountsProfilesByType",
    "ProfileEntry",
    "ProfileListAnswer",
    "ProfilePlanEntry",
    "ProfilePlansAnswer",
    "ProfileReadAnswer",
    "ProfileReference",
    "ProfileStatsAnswer",
    "ProfileVersionEntry",
    "ProfileVersionsAnswer",
    "QualityEntry",
    "QueuedStatus",
    "ReadAnswer",
    "ReadyAnswer",
    "ReadyAnswerChecks",
    "ReadyStatus",
    "ReadyTime",
    "Reason",
    "RebalanceAnswer",
    "Recommendation",
    "RefreshAnswer",
    "RefreshOutcome",
    "RejectedRow",
    "Rejection",
    "ReplanAnswer",
    "ReplanDiff",
    "ReplanOrigin",
    "ResolveAnswer",
    "ResolveBody",
    "ResolvedStatus",
    "RiskAnalysis",
    "RiskLevel",
    "RulesBody",
    "ScalabilityAssessment",
    "ScheduleAnswer",
    "ScheduledBatch",
    "Scope",
    "SearchAnswer",
    "SearchBody",
    "SearchFilters",
    "SearchHit",
    "SearchMetadata",
    "SearchMetadataMatches",
    "SearchPagination",
    "Segment",
    "SegmentsFigure",
    "Selector",
    "SelectorItem",
    "SessionEntry",
    "SettingOrigin",
    "Severity",
    "SortBy",
    "SortOrder",
    "StatusActor",
    "StatusAnswer",
    "StatusBatches",
    "StatusBreaker",
    "StatusBroker",
    "StatusBrokerLastDiffType0",
    "StatusCaches",
    "StatusCatalog",
    "StatusDocument",
    "StatusEndpoint",
    "StatusHealth",
    "StatusHistory",
    "StatusJob",
    "StatusLane",
    "StatusLocalCache",
    "StatusMinute",
    "StatusPlans",
    "StatusPlansActive",
    "StatusPlansCreatedByBroker",
    "StatusPoint",
    "StatusProblem",
    "StatusProcess",
    "StatusRefusal",
    "StatusRequests",
    "StatusSettings",
    "StatusSettingsOrigins",
    "StatusSharedCache",
    "StatusWord",
    "Strategy",
    "SubscribeLimits",
    "Subscription",
    "SubscriptionFormat",
    "SubscriptionProfile",
    "SubscriptionType",
    "SubscriptionsAnswer",
    "SubstitutedMode",
    "SummaryAnswer",
    "SummaryAnswerExchanges",
    "SummaryAnswerInstrumentTypes",
    "TextFigure",
    "TokenAnswer",
    "TokenMapping",
    "UnderlyingShare",
    "UnresolvedReason",
    "UsedLimit",
    "ValidationResults",
    "Verdict",
    "Verification",
    "VerificationAnswer",
    "VerificationBasis",
    "VerificationCounts",
    "VerifiedCatalogue",
    "VerifiedInstrument",
    "VersionEntry",
    "VersionEntryDiffCountsType0",
    "VersionEntryRejected",
    "VersionEntrySkipped",
    "VersionsAnswer",
)
