//! What every [`Store`] must do, written once. A backend runs all of it with [`contract!`].

pub(super) mod catalogue;
pub(super) mod history;
pub(super) mod jobs;
pub(super) mod keys;
pub(super) mod listing;
pub(super) mod plans;
pub(super) mod profile_changes;
pub(super) mod profile_history;
pub(super) mod profile_settling;
pub(super) mod profiles;
pub(super) mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::plan::Plan;

use crate::Store;
use crate::testing::{plan_for, request};

/// A database of a test's own.
#[async_trait]
pub(super) trait Database: Send + Sync {
    /// A store on it, not prepared. May be called again once the one before is closed.
    fn open(&self) -> Arc<dyn Store>;

    /// Makes it refuse plans of the user `bad` and tokens of the symbol `BAD` for their data.
    async fn refuse_bad(&self);

    /// Drops the archives of all loads.
    async fn forget_archives(&self);

    /// How many loads have an archive.
    async fn archives(&self) -> i64;

    /// How many seconds after [`t0`] each row of a table was last updated, as `NSE:TCS 1`.
    async fn updated(&self, table: &str) -> Vec<String>;

    /// How many rows a statement behind the store's back changes, or why it is refused.
    async fn attempt(&self, statement: &str) -> Result<u64, String>;
}

pub(super) async fn prepared(database: &dyn Database) -> Arc<dyn Store> {
    let store = database.open();
    store.prepare().await.unwrap();
    store
}

/// One test for every function of the contract, each on a database that `$database` makes. Where it makes none, the test
/// is passed over.
macro_rules! contract {
    ($database:path) => {
        contract! { $database =>
            plans {
                a_plan_reads_back_equal_in_every_field,
                a_plan_that_keeps_nothing_reads_back_equal,
                an_unknown_id_is_no_plan,
                plans_are_read_together_each_once,
                inserting_an_id_again_leaves_the_plan_as_it_is,
                a_batch_is_stored_as_a_whole_or_not_at_all,
                an_empty_batch_is_stored,
                plans_outlive_the_store_that_wrote_them,
                many_may_write_and_read_at_the_same_time,
                old_plans_are_deleted_up_to_the_cutoff_and_the_limit,
                unexpired_plans_are_counted_by_type,
            }
            listing {
                plans_are_listed_newest_first_with_all_that_a_summary_shows,
                each_filter_selects_and_together_they_select_less,
                offsets_walk_everything_exactly_once,
                cursors_walk_everything_exactly_once_while_new_plans_arrive,
                the_total_is_exact_up_to_its_maximum_and_a_lower_bound_above,
            }
            catalogue {
                without_a_load_there_is_no_catalogue,
                the_catalogue_says_what_the_file_says,
                the_version_grows_with_every_load,
                what_the_next_file_lacks_becomes_inactive_and_returns_with_a_later_one,
                the_tables_tell_when_a_row_last_changed,
                an_empty_file_makes_everything_inactive,
                two_brokers_files_merge_into_one_instrument_with_two_tokens,
                an_instrument_is_active_while_any_brokers_file_has_it,
                what_the_newest_file_says_of_an_instrument_counts,
                a_file_date_in_the_future_is_ignored,
                equal_loads_give_an_equal_hash_here_there_and_after_reopening,
                what_a_new_file_ceases_to_say_is_served_no_more,
                contradictions_and_sources_are_known,
                loads_without_an_archive_are_read_from_the_tables,
                a_load_that_fails_in_the_middle_leaves_the_last_one,
            }
            history {
                a_load_is_refused_where_another_one_came_between,
                the_last_load_has_what_left_the_file_too,
                versions_are_listed_newest_first_with_all_that_they_show,
                a_diff_is_selected_by_kind_and_limit,
                a_few_archives_are_kept_and_every_diff,
                a_refusal_stands_until_the_brokers_next_accepted_load,
                a_hundred_refusals_of_a_broker_are_kept,
            }
            jobs {
                a_job_reads_back_as_it_was_last_saved,
                a_broker_has_one_unfinished_job,
                of_several_that_want_a_slot_one_gets_it,
                whoever_saves_a_job_is_told_that_it_is_not_wanted,
                a_job_of_which_there_was_no_sign_has_failed,
                the_last_two_hundred_jobs_of_a_broker_are_kept,
            }
            profiles {
                a_profile_reads_back_equal_in_every_field,
                an_unknown_id_is_no_profile,
                each_filter_of_profiles_selects_and_together_they_select_less,
                pages_of_profiles_walk_everything_exactly_once_while_new_ones_arrive,
                the_total_of_profiles_is_exact_up_to_its_maximum_and_a_lower_bound_above,
            }
            profile_settling {
                where_the_latest_wins_duplicates_go_out_of_use,
                profiles_that_differ_in_broker_or_selectors_are_no_duplicates,
                where_the_latest_wins_the_oldest_makes_room_under_the_maximum,
                where_the_latest_wins_invalid_instruments_stay,
                merging_unites_duplicates_and_takes_invalid_instruments_out,
                what_would_be_too_large_when_united_is_refused,
                failing_on_conflict_makes_nothing_and_leaves_pending_conflicts,
                too_many_instruments_are_refused_under_every_strategy,
                only_active_unexpired_profiles_of_user_and_type_are_duplicates,
                of_changes_at_the_same_time_none_goes_over_the_maximum,
                a_change_that_fails_in_the_middle_leaves_nothing,
            }
            profile_changes {
                an_update_changes_what_it_gives_and_keeps_the_rest,
                a_profile_is_no_duplicate_of_itself,
                a_change_of_another_version_is_not_made,
                what_is_not_there_is_not_changed,
                a_profile_out_of_use_is_changed_by_nothing_but_its_activation,
                an_activation_is_judged_as_if_the_profile_were_new,
                an_old_version_becomes_the_newest,
                a_profile_goes_out_of_use_once_its_time_is_over,
                a_profile_that_gets_more_time_stays_in_use,
                of_changes_of_one_version_at_the_same_time_one_is_made,
                whoever_calls_is_kept_as_acting_for_the_profiles_user,
            }
            profile_history {
                every_change_is_audited_with_what_was_before_and_after,
                the_audit_log_is_read_page_by_page_of_one_profile,
                the_audit_log_can_only_be_added_to,
                the_audit_log_gives_up_what_has_outlived_its_retention_in_portions,
                what_may_be_deleted_from_the_audit_log_is_never_less_than_before,
                versions_are_listed_newest_first_with_who_made_them,
                versions_are_read_page_by_page,
                conflicts_are_selected_by_user_status_and_type,
                the_total_of_conflicts_is_a_lower_bound_above_its_maximum,
                a_pending_conflict_is_settled_by_hand_once,
                what_there_is_of_profiles_is_counted,
                expired_profiles_are_found_while_they_are_in_use,
            }
            keys {
                an_answer_is_stored_with_its_plan,
                a_taken_key_keeps_its_answer_and_stores_no_plan,
                keys_of_different_scopes_are_different_keys,
                a_key_is_free_again_after_a_day,
                concurrent_claims_of_one_key_store_one_plan,
                concurrent_batches_take_their_keys_without_deadlock,
                a_refused_plan_leaves_its_key_free,
                expired_keys_are_deleted_up_to_the_limit,
                a_plan_is_kept_as_long_as_its_key,
                a_keyed_job_is_created_once,
                concurrent_jobs_of_one_key_are_one_job,
                a_keyed_profile_is_created_once,
                a_refused_profile_records_conflicts_and_leaves_its_key_free,
                concurrent_profiles_of_one_key_are_one_profile,
                a_keyed_profile_that_fails_in_the_middle_leaves_nothing,
            }
            settings {
                without_a_save_there_are_no_last_good_settings,
                of_each_key_what_was_said_later_is_kept,
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

/// The first moment of the tests' plans, long enough ago for all of them to be over.
pub(super) fn t0() -> DateTime<Utc> {
    "2026-11-24T03:45:00Z".parse().unwrap()
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// An id as the planner makes it: the time in milliseconds, then what distinguishes plans of one moment.
fn plan_id(at: DateTime<Utc>, number: u64) -> String {
    format!("plan_{:012x}7{number:019x}", at.timestamp_millis())
}

/// The `number`th plan, made so many seconds after [`t0`].
fn numbered(number: u32) -> Plan {
    let at = t0() + seconds(number.into());
    plan_for(&request("u", &["NSE:TCS"]), plan_id(at, 0), at)
}
