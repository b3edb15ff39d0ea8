-- Sums of days from before rollups were kept (0009), and the part of the day of that upgrade: they stand in `days`, where nobody reads them any more. How
-- long what executions took is only known in all: the histogram is an empty one (`DurationHistogram.bytes`).
alter table days no force row level security;
alter table rollups no force row level security;
insert into rollups as r (tenant_id, project_id, dimension, value, day, passed, failed, errored, skipped, environmental, duration_us, durations)
select tenant_id, project_id, 'all', '', day, passed, failed, errored, skipped, environmental, duration_us, '\x0100000000'
from days
where passed + failed + errored + skipped > 0
on conflict on constraint rollups_pkey do update set
    passed = greatest(r.passed, excluded.passed), failed = greatest(r.failed, excluded.failed), errored = greatest(r.errored, excluded.errored),
    skipped = greatest(r.skipped, excluded.skipped), environmental = greatest(r.environmental, excluded.environmental),
    duration_us = greatest(r.duration_us, excluded.duration_us);
alter table days force row level security;
alter table rollups force row level security;
