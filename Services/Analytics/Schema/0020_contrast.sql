-- Against what the failures of an incident were held: other places of the same commit, or passes elsewhere on other commits. Before the third edition of
-- the method there was but the first, and a release of that time leaves the column alone.
alter table environment_incidents
    add column contrast text not null default 'same_commit',
    add constraint environment_incidents_contrast_check check (contrast in ('same_commit', 'other_commits'));
