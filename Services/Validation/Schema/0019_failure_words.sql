-- When the person's word that stands on a failure was said. Null without one, and where an earlier release took it: then `failure_verdicts` knows. There
-- are few of those, since that release takes them one by one.
alter table failures add column verdict_at timestamptz;
