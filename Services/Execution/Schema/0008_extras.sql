-- What few results have beside their texts (ResultExtras), each a JSON array, null where there is none. Read with one result, never searched.
alter table result_details
    add column properties jsonb,
    add column attachments jsonb,
    add column attempts jsonb;
