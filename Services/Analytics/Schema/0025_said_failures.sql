-- What a person said last of the single failure, as Validation tells it: that it was the environment. It counts for no test then, whether or not it is put
-- down to an incident as well. A release before this one knows nothing of it: what it puts down to an incident, or gives back, it takes from the test or
-- gives to it although this was said.
alter table environment_failures
    add column said_environment boolean not null default false,
    -- Of the failure's verdict: a lower one came late. 0 while nothing was told.
    add column said_version bigint not null default 0;

-- GetTestStability and GetTestTrend: the newest failures of a test of which it is said.
create index environment_failures_said_index on environment_failures (tenant_id, test_id, started_at desc) where said_environment;
-- The sweeper: what nobody said anything of leaves after some days, the rest is kept as long as failures of incidents are.
drop index environment_failures_sweep_index;
create index environment_failures_sweep_index on environment_failures (started_at) where incident_id is null and said_version = 0;
create index environment_failures_told_index on environment_failures (started_at) where incident_id is null and said_version > 0;
