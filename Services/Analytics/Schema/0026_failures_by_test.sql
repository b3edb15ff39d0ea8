-- Tests that are joined: the failures of one become the other's while the project's facts wait.
create index environment_failures_tests_index on environment_failures (tenant_id, test_id);
