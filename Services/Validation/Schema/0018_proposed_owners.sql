-- By itself: whoever counts has the locks of this table and of `failure_groups` in one order, and whoever forgets in the other.
alter table signature_tests
    -- Whom the test belongs to, as its latest failure says of which that is known; and when its run began. Empty, and null, where none says it.
    add column owners text[] not null default '{}',
    add column owners_at timestamptz;
