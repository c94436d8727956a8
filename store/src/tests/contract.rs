//! The behavior of every [`Store`]. Each backend runs all of these tests with [`contract!`].

pub(super) mod calendars;
pub(super) mod catalogue;
pub(super) mod history;
pub(super) mod jobs;
pub(super) mod keys;
pub(super) mod listing;
pub(super) mod plan_forms;
pub(super) mod plans;
pub(super) mod profile_changes;
pub(super) mod profile_conflicts;
pub(super) mod profile_history;
pub(super) mod profile_portions;
pub(super) mod profiles;
pub(super) mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::plan::Plan;

use crate::Store;
use crate::testing::{plan_for, request};

/// The database of one test.
#[async_trait]
pub(super) trait Database: Send + Sync {
    /// Creates a store on it that is not prepared. May be called again after the previous store is closed.
    fn open(&self) -> Arc<dyn Store>;

    /// Creates a store as [`Database::open`] does that writes plans as the next release does.
    fn open_writing_documents(&self) -> Arc<dyn Store>;

    /// Returns the statement with which the previous release reads a plan.
    fn read_of_previous_release(&self, plan_id: &str) -> String;

    /// Makes it reject plans of the user `bad` and tokens of the symbol `BAD` because of their data.
    async fn refuse_bad(&self);

    /// Deletes the archives of all loads.
    async fn forget_archives(&self);

    /// Counts the loads with an archive.
    async fn archives(&self) -> i64;

    /// Reads for each row of a table how many seconds after [`t0`] it was last updated, as `NSE:TCS 1`.
    async fn updated(&self, table: &str) -> Vec<String>;

    /// Runs a query without the store, and returns its only column.
    async fn texts(&self, query: &str) -> Vec<String>;

    /// Runs a statement without the store, and returns the number of changed rows or the error.
    async fn attempt(&self, statement: &str) -> Result<u64, String>;
}

pub(super) async fn prepared(database: &dyn Database) -> Arc<dyn Store> {
    let store = database.open();
    store.prepare().await.unwrap();
    store
}

/// Declares one test for every function of the contract, each on a database that `$database` creates. If it creates
/// none, the test is skipped.
macro_rules! contract {
    ($database:path) => {
        contract! { $database =>
            plans {
                a_plan_reads_back_equal_in_every_field,
                a_plan_without_instruments_reads_back_equal,
                an_unknown_id_has_no_plan,
                plans_are_read_together_without_duplicates,
                inserting_an_id_again_does_not_change_the_plan,
                a_batch_is_stored_completely_or_not_at_all,
                an_empty_batch_is_stored,
                plans_survive_reopening,
                concurrent_writes_and_reads_succeed,
                old_plans_are_deleted_up_to_the_cutoff_and_the_limit,
                unexpired_plans_are_counted_by_type,
            }
            plan_forms {
                a_plan_of_the_previous_release_reads_back_equal,
                a_plan_is_readable_by_the_previous_release,
                a_plan_written_as_a_document_reads_back_equal,
                the_broker_of_the_stream_is_a_column,
            }
            listing {
                plans_are_listed_newest_first_with_all_summary_fields,
                filters_of_plans_work_alone_and_together,
                offsets_visit_each_plan_once,
                cursors_visit_each_plan_once_while_new_plans_arrive,
                the_total_of_plans_is_exact_up_to_its_maximum,
            }
            catalogue {
                no_catalog_exists_before_the_first_load,
                the_catalog_equals_the_file,
                the_version_increases_with_every_load,
                missing_instruments_are_inactive_until_they_return,
                the_tables_show_when_a_row_last_changed,
                an_empty_file_deactivates_all_instruments,
                files_of_two_brokers_merge_into_one_instrument,
                an_instrument_is_active_while_any_broker_lists_it,
                the_newest_file_determines_an_instrument,
                a_file_date_in_the_future_is_ignored,
                equal_loads_have_equal_hashes_also_after_reopening,
                fields_missing_from_a_new_file_are_not_served,
                the_catalog_reports_contradictions_and_sources,
                an_instrument_with_a_new_key_has_a_successor,
                loads_without_an_archive_are_read_from_the_tables,
                a_load_that_fails_midway_keeps_the_last_one,
            }
            calendars {
                no_calendar_exists_before_the_first_one,
                a_calendar_reads_back_equal_after_reopening,
                the_newest_calendar_is_read_unless_it_is_known,
                ten_calendars_are_kept,
            }
            history {
                a_load_is_rejected_if_another_one_came_first,
                the_last_load_includes_removed_instruments,
                versions_are_listed_newest_first_with_all_fields,
                a_diff_is_filtered_by_kind_and_limit,
                five_archives_and_all_diffs_are_kept,
                a_rejection_is_listed_until_the_next_accepted_load,
                a_hundred_rejections_per_broker_are_kept,
                rejections_of_one_broker_are_dismissed,
                the_last_load_of_each_broker_is_listed,
            }
            jobs {
                a_job_reads_back_as_it_was_last_saved,
                the_latest_jobs_are_listed,
                a_broker_has_one_unfinished_job,
                one_of_several_jobs_gets_a_slot,
                saving_a_canceled_job_reports_that_it_is_not_wanted,
                a_job_without_a_heartbeat_fails,
                two_hundred_jobs_per_broker_are_kept,
            }
            profiles {
                a_profile_reads_back_equal_in_every_field,
                an_unknown_id_has_no_profile,
                filters_of_profiles_work_alone_and_together,
                pages_visit_each_profile_once_while_new_ones_arrive,
                the_total_of_profiles_is_exact_up_to_its_maximum,
            }
            profile_portions {
                a_list_of_profiles_reads_no_documents,
                whole_profiles_are_read_in_portions,
                a_row_above_the_limit_is_a_portion,
                versions_and_audit_entries_are_read_in_portions,
                conflicts_are_read_in_portions,
            }
            profile_conflicts {
                latest_wins_deactivates_duplicates,
                profiles_with_other_broker_or_selectors_can_coexist,
                latest_wins_deactivates_the_oldest_at_the_maximum,
                latest_wins_keeps_invalid_instruments,
                merge_unites_duplicates_and_removes_invalid_instruments,
                profiles_too_large_when_merged_are_rejected,
                fail_on_conflict_stores_only_pending_conflicts,
                too_many_instruments_are_rejected_by_every_strategy,
                duplicates_are_active_unexpired_and_of_the_same_type,
                concurrent_changes_do_not_exceed_the_maximum,
                a_change_that_fails_midway_leaves_nothing,
            }
            profile_changes {
                an_update_changes_only_its_fields,
                a_profile_is_not_a_duplicate_of_itself,
                a_change_of_another_version_is_rejected,
                unknown_profiles_versions_and_conflicts_do_not_change,
                an_inactive_profile_can_only_be_activated,
                an_activation_is_checked_like_a_new_profile,
                an_old_version_can_be_restored,
                an_expired_profile_is_deactivated,
                a_profile_with_a_later_expiry_stays_active,
                one_of_concurrent_changes_of_a_version_is_made,
                a_caller_is_stored_as_acting_for_the_user,
            }
            profile_history {
                every_change_is_audited_with_its_old_and_new_state,
                the_audit_log_of_a_profile_is_read_in_pages,
                the_audit_log_is_append_only,
                audit_entries_past_retention_are_deleted_in_portions,
                the_cutoff_of_the_audit_log_never_moves_back,
                versions_are_listed_newest_first_with_originator,
                versions_are_read_in_pages,
                conflicts_are_filtered_by_user_status_and_type,
                the_total_of_conflicts_is_a_lower_bound_above_its_maximum,
                a_pending_conflict_is_resolved_manually_once,
                profiles_conflicts_and_audit_entries_are_counted,
                expired_profiles_are_found_while_they_are_active,
            }
            keys {
                a_response_is_stored_with_its_plan,
                a_used_key_keeps_its_response_and_stores_no_plan,
                keys_of_different_scopes_are_different_keys,
                a_key_expires_after_a_day,
                concurrent_claims_of_one_key_store_one_plan,
                concurrent_batches_claim_their_keys_without_deadlock,
                a_rejected_plan_leaves_its_key_free,
                expired_keys_are_deleted_up_to_the_limit,
                a_plan_is_kept_as_long_as_its_key,
                a_keyed_job_is_created_once,
                concurrent_jobs_of_one_key_are_one_job,
                a_keyed_profile_is_created_once,
                a_rejected_profile_stores_conflicts_and_frees_its_key,
                concurrent_profiles_of_one_key_are_one_profile,
                a_keyed_profile_that_fails_midway_leaves_nothing,
            }
            settings {
                no_last_good_settings_exist_before_the_first_save,
                the_later_value_of_each_setting_is_kept,
                replicas_may_save_last_good_settings_at_the_same_time,
            }
        }
    };
    ($database:path => $($module:ident { $($name:ident),* $(,)? })*) => {
        $($(
            #[tokio::test]
            async fn $name() {
                let Some(database) = $database() else { return };
                $crate::tests::contract::$module::$name(&database).await;
            }
        )*)*
    };
}
pub(super) use contract;

/// Returns the time of the first plan of a test, long enough ago for all plans to be expired.
pub(super) fn t0() -> DateTime<Utc> {
    "2026-11-24T03:45:00Z".parse().unwrap()
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// Returns an id in the format of the planner: the time in milliseconds, then a number that distinguishes plans of one
/// millisecond.
fn plan_id(at: DateTime<Utc>, number: u64) -> String {
    format!("plan_{:012x}7{number:019x}", at.timestamp_millis())
}

/// Returns plan `number`, created `number` seconds after [`t0`].
fn numbered(number: u32) -> Plan {
    let at = t0() + seconds(number.into());
    plan_for(&request("u", &["NSE:TCS"]), plan_id(at, 0), at)
}
