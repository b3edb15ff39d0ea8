-- How many suites stand by their names on a project's day (RollupKey.mostSuites): in the row of the whole project, and null in all others. A release before
-- this one names suites without counting them, so a day of the upgrade may have some more.
alter table rollups add column suites bigint;
