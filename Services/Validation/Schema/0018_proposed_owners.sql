alter table signature_tests
    -- Whom the test belongs to, as its latest failure says of which that is known; and when its run began. Empty, and null, where none says it.
    add column owners text[] not null default '{}',
    add column owners_at timestamptz;
alter table failure_groups
    -- Whose most tests of the group are: counted when its tests are.
    add column proposed_owners text[] not null default '{}',
    -- Failures have said since whose their tests are: `KeepGroups` counts again.
    add column has_stale_owners boolean not null default false;
