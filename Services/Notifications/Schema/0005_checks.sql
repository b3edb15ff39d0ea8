-- Check runs of GitHub: another kind of channel. Its secret is the token of GitHub, its url that of GitHub's API.
alter table channels drop constraint channels_kind_check;
alter table channels
    add column repository text not null default '',
    add constraint channels_kind_check check (kind in ('webhook', 'github')),
    add constraint channels_repository_check check ((kind = 'github') = (repository <> ''));

alter table deliveries
    -- GitHub's id of what was made; an attempt after a crash goes on with it.
    add column check_run_id bigint,
    -- Failed tests, for channels that show them; dropped once they are there.
    add column failures jsonb;
