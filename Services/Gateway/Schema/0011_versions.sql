-- Raised by every change: whoever changes a row names the version that it has read, so that nobody undoes what somebody else has just done.
-- `change_key` names the request that made this version, so that its repetition after a crash finds that it was carried out.
alter table users add column version bigint not null default 1, add column change_key text;
alter table roles add column version bigint not null default 1, add column change_key text;
alter table people add column version bigint not null default 1, add column change_key text;
alter table project_grants add column version bigint not null default 1;
alter table organizations
    add column version bigint not null default 1,
    add column change_key text,
    -- Of its quota_overrides, all together: they are set by one request.
    add column quotas_version bigint not null default 1;
