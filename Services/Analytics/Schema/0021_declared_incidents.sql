alter table environment_incidents
    -- Who said last that it was the environment, without it having been found, or beside that. Empty and null where nobody did.
    add column declared_by text not null default '',
    add column declared_at timestamptz;

-- Of kind 'reinstated': said of a place rather than of an incident that there was. A release before this one knows no third kind, and reads these.
alter table environment_verdicts add column declared boolean not null default false;
