-- A user may have many conflicts that are not of the type or status that a list selects. Pending ones have an index already.
create index subscription_conflicts_by_type on subscription_conflicts (user_id, conflict_type, conflict_id);
create index subscription_conflicts_ended on subscription_conflicts (user_id, status, conflict_id)
    where status <> 'pending';
