-- no-transaction
-- Of the status that the service gives to plans nearly every plan is a match, and the primary key serves. The others are
-- rare: an ordinary insert adds no entry. Built concurrently, because plans are created while a large table is indexed. A
-- statement of this kind must be the only one of its file.
create index concurrently subscription_plans_by_rare_status on subscription_plans (status, plan_id)
    where status <> 'optimized';
