-- Nullable: a load of the previous release has none of them, and that release inserts loads without them.

-- A JSON object: reason to number of rows of something that the service does not carry.
alter table catalogue_loads add column skipped text;
-- The number of rows that are equal to an earlier row.
alter table catalogue_loads add column duplicates integer;
-- A JSON array: properties of the file that the gates report without rejecting it.
alter table catalogue_loads add column warnings text;
