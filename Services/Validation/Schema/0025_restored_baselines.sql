-- A run whose baselines were all rejected or withdrawn may be proposed again, as a baseline of its own: what was decided stays. The release before this
-- one looks a run up before it proposes it and names the constraint nowhere; of a run with several baselines it gives any.
alter table baselines drop constraint baselines_run_id_unique;
-- A run is one baseline at a time. Proposing it again finds the one that is open or approved.
create unique index baselines_open_run_id_unique on baselines (tenant_id, run_id) where state in ('proposed', 'approved');
