-- A run of a suite has a time of its own, whatever its cases do (R09): afterwards what waits is dropped, and the run ends as TIMED_OUT with its last
-- case that is under way.
alter table active_runs add column deadline timestamptz not null default now() + interval '1 hour';
-- `cancelled` was set because the deadline passed.
alter table active_runs add column timed_out boolean not null default false;

-- For the search for what is overdue; a run that ends already is not looked for.
create index active_runs_deadline_index on active_runs (deadline) where not cancelled;
