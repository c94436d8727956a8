-- The parts of a plan that no query selects by fold into one document, and the broker of its stream gets a column.

-- A JSON object with the fields performance_metrics, validation_results, rejected and metadata. Null if the plan has them in
-- the columns of these names, which the previous release reads and writes. If there is a document, those are empty texts: to
-- allow null in them, SQLite would have to write the whole table again.
alter table subscription_plans add column document text;

-- The requested broker. Null if none was requested, or if the previous release created the plan.
alter table subscription_plans add column broker_id text;
