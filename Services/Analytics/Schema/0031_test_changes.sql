-- Changes of level of a single test's durations are kept as those of a project's parts are.
--
-- A release before this one lists every row of a project by `project_id`, and its list would fail at a dimension that it cannot read: so those of tests name
-- their project in another column, where it finds none of them. They are in this table all the same: its sweeper deletes what people said of changes that
-- it does not find here.
alter table trend_changes
    alter column project_id drop not null,
    -- The project of a test's change. `value` is the test's id as text, `day` the day of its first execution, `input` is `DurationSeries.text` (some 18 KB).
    add column test_project_id uuid,
    -- The branch whose executions were looked at; empty for any.
    add column branch text,
    -- The first execution of the new level.
    add column result_id uuid,
    add column executed_at timestamptz,
    add column commit_sha text,
    drop constraint trend_changes_dimension_check,
    add constraint trend_changes_dimension_check check (dimension in ('all', 'suite', 'branch', 'environment', 'tag', 'test')),
    add constraint trend_changes_test_check check (
        case when dimension = 'test' then project_id is null and num_nonnulls(test_project_id, branch, result_id, executed_at, commit_sha) = 5
            else project_id is not null and num_nonnulls(test_project_id, branch, result_id, executed_at, commit_sha) = 0 end);

-- GetTestDurations, FindTrendChanges: those in the executions that are looked at; ListLevelChanges of one test.
create index trend_changes_test_index on trend_changes (tenant_id, test_project_id, value, branch, executed_at) where test_project_id is not null;
-- ListLevelChanges of tests: the newest first.
create index trend_changes_test_day_index on trend_changes (tenant_id, test_project_id, day desc, id desc) where test_project_id is not null;
