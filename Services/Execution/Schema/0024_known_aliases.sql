-- Validation hears of renames from this release on, of those that are known already too: a job for each, as if it had just been made. Written as
-- `ID<TestIdentity>` and `ID<Project>` are, 26 digits of five bits each. Where nothing is stored yet there may be no jobs either. The owner of both tables is
-- bound by policies as long as these are forced. That of jobs admits what runs across tenants: who adds jobs for something else does not wait.
do $$
begin
    if to_regclass('jobs') is null then return; end if;
    perform set_config('assay.scope', 'system', true);
    alter table test_aliases no force row level security;
    insert into jobs (tenant_id, id, kind, payload)
    select tenant_id, gen_random_uuid(), 'publish-alias-to-groups',
        jsonb_build_object('project', 'prj_' || project.digits, 'alias', 'tst_' || alias.digits)
    from test_aliases a,
        lateral (
            select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits from 5 * i + 1 for 5)::bit(5)::int + 1, 1), '' order by i) as digits
            from (select B'00' || ('x' || replace(a.project_id::text, '-', ''))::bit(128) as bits) b, generate_series(0, 25) as i
        ) project,
        lateral (
            select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits from 5 * i + 1 for 5)::bit(5)::int + 1, 1), '' order by i) as digits
            from (select B'00' || ('x' || replace(a.alias_id::text, '-', ''))::bit(128) as bits) b, generate_series(0, 25) as i
        ) alias;
    alter table test_aliases force row level security;
end $$;
