-- Uploads whose failed tests were tried again, which gave this one. Null for the first uploads of a build.
alter table uploads add column retry_of uuid[];
-- Of the upload's results in their build: 1, or one more than the uploads in `retry_of` have.
alter table uploads add column attempt smallint not null default 1;
-- What the tests of a retry took.
alter table uploads add column retry_us bigint;

-- Which failures of a run were answered by a later try; asked for every run that failed.
create index uploads_retries_index on uploads (tenant_id, run_id) where retry_of is not null;
-- What a project has spent on retries on one day.
create index uploads_retry_day_index on uploads (tenant_id, project_id, created_at) include (retry_us) where retry_of is not null;

alter table reading_rules drop constraint reading_rules_kind_check;
-- 'retries' is a `RetryPolicy` as JSON.
alter table reading_rules add constraint reading_rules_kind_check check (kind in ('identity', 'fields', 'owners', 'retries'));
