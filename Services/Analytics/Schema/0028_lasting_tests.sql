-- GetTest and whatever else names a test by its id alone: the one that it was joined to.
create index test_aliases_alias_id_index on test_aliases (tenant_id, alias_id);

-- A test that has not run for long (`TestStore.restsAfter`) is in no list of flaky tests and in no score: it was deleted, most likely. What is
-- known of it, and what people said, stays; ingest wakes it when it runs. A release before this one takes results in without waking it: the next sweep does.
alter table tests add column resting boolean not null default false;

-- TestStore.rest: all tests, whose ever they are, are looked through.
create policy tests_rest on tests for select using ((select system_scope()));

-- ListFlakyTests and GetQualityScore, without those that rest. A release before this one finds what it lists along the project's other indexes.
drop index tests_known_flaky_index;
create index tests_known_flaky_index on tests (tenant_id, project_id, flaky_chance desc, id)
    where not resting and (verdict = 'flaky' or (verdict is null and stability = 'flaky'));
drop index tests_overruled_index;
create index tests_overruled_index on tests (tenant_id, project_id, flaky_chance desc, id) where not resting and verdict is not null;
drop index tests_project_id_known_index;
create index tests_project_id_known_index on tests (tenant_id, project_id, stability, verdict) where not resting;
