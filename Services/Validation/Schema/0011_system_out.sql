-- The end of what the test wrote to its output, which rules look at last. Empty for what was judged before.
alter table symptoms add column system_out text not null default '';
