-- GetTestStability: the newest incident that a failure of the test is put down to.
create index environment_failures_test_id_index on environment_failures (tenant_id, test_id, started_at desc) where incident_id is not null;
