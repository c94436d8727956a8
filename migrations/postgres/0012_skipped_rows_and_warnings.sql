-- Nullable: a load of the previous release has none of them, and that release inserts loads without them.
alter table catalogue_loads
    -- A JSON object: reason to number of rows of something that the service does not carry.
    add column skipped    json,
    -- The number of rows that are equal to an earlier row.
    add column duplicates bigint,
    -- A JSON array: properties of the file that the gates report without rejecting it.
    add column warnings   json;
