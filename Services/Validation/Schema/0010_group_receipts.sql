-- What the group of a failure was reached from, so that it can be reached again.
alter table failures
    -- Edition of scanner, signer and mining (`Grouping.edition`). Null: filed before it was kept, all of that by edition 1.
    add column grouping_edition integer,
    -- What it was signed as, where it counts for another signature: its own found no room, or nothing is learnt from it. Null: `signature_id`.
    add column signed_as uuid;

-- What a resolution by absence was reached from, beside what was enough; since when the commit runs that contradicted a resolution. Null where there is none,
-- and for what was decided before it was kept.
alter table failure_signatures
    add column absent_runs integer,
    add column absent_days integer,
    add column absent_runs_needed integer,
    add column absent_days_needed integer,
    add column regressed_since timestamptz;
alter table failure_groups
    add column absent_runs integer,
    add column absent_days integer,
    add column absent_runs_needed integer,
    add column absent_days_needed integer,
    add column regressed_since timestamptz;
