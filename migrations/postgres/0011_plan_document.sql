-- The parts of a plan that no query selects by fold into one document, and the broker of its stream gets a column. Only the
-- catalog of the server changes: no row is read or written, however many there are.
alter table subscription_plans
    -- A JSON object with the fields performance_metrics, validation_results, rejected and metadata. Null if the plan has
    -- them in the columns of these names, which the previous release reads and writes. json and not jsonb, as they are.
    add column document  json,
    -- The requested broker. Null if none was requested, or if the previous release created the plan.
    add column broker_id text collate "C",
    alter column performance_metrics drop not null,
    alter column validation_results drop not null,
    alter column rejected drop not null,
    alter column metadata drop not null;

-- Not validated for the rows of the previous releases, which satisfy it.
alter table subscription_plans
    add constraint subscription_plans_document check (
        document is not null
        or (performance_metrics is not null and validation_results is not null and rejected is not null
            and metadata is not null)) not valid;

-- As for the columns that it replaces.
alter table subscription_plans alter column document set statistics 0;
do $$
begin
    alter table subscription_plans alter column document set compression lz4;
exception
    when feature_not_supported then null;
end
$$;
