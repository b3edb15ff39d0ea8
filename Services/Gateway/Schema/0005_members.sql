-- What people may do in an organization. `users.id` is `people.id` for everybody but the nameless owner of a first key.
alter table users
    drop constraint users_role_check,
    add column is_owner boolean not null default false,
    -- Keeps their name in the log, but lets them in no more.
    add column deactivated_at timestamptz,
    add constraint users_role_check check (role in ('owner', 'org_admin', 'admin', 'qa_lead', 'validator', 'viewer', 'custom'));
update users set role = 'org_admin', is_owner = true where role = 'owner';
alter table users
    drop constraint users_role_check,
    add constraint users_role_check check (role in ('org_admin', 'admin', 'qa_lead', 'validator', 'viewer', 'custom'));
