-- Indexes for lists of plans by type and by status, so that a filter that few plans match, or none, does not read the whole
-- table.

-- Of the status that the service gives to plans nearly every plan is a match, and the primary key serves. The others are
-- rare: an ordinary insert adds no entry.
create index subscription_plans_by_rare_status on subscription_plans (status, plan_id) where status <> 'optimized';
-- A type may be rare or usual, which depends on the callers, so that no part of the table can be left out. Ids begin with
-- their time: entries are added at one place for each type.
create index subscription_plans_by_type on subscription_plans (subscription_type, plan_id);

-- A user may have many conflicts that are not of the type or status that a list selects. Pending ones have an index already.
create index subscription_conflicts_by_type on subscription_conflicts (user_id, conflict_type, conflict_id);
create index subscription_conflicts_ended on subscription_conflicts (user_id, status, conflict_id)
    where status <> 'pending';
