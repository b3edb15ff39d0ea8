alter table environment_incidents
    -- Who said last that it was the environment, without it having been found, or beside that. Empty and null where nobody did.
    add column declared_by text not null default '',
    add column declared_at timestamptz;

alter table environment_verdicts
    drop constraint environment_verdicts_kind_check,
    add constraint environment_verdicts_kind_check check (kind in ('dismissed', 'reinstated', 'declared'));
