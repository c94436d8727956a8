-- no-transaction
-- A type may be rare or usual, which depends on the callers, so that no part of the table can be left out. Ids begin with
-- their time: entries are added at one place for each type.
create index concurrently subscription_plans_by_type on subscription_plans (subscription_type, plan_id);
