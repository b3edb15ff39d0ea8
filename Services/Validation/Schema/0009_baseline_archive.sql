-- An approval that is taken back. `state` becomes 'rejected', which the release before this one knows, so that the baseline is in force for neither.
alter table baselines
    add column withdrawn_by text,
    add column withdrawn_at timestamptz,
    add column withdrawal_note text not null default '',
    -- The persons behind the proposal: who proposed it, whose key did, who acted in their place. Empty for what was proposed before they were known,
    -- and for keys that are nobody's.
    add column proposed_persons text[] not null default '{}';

-- The archive: a baseline is decided once, its approval withdrawn once, and nothing of it changes or goes away besides. Whoever may write rows is held
-- to it, the service itself as well.
drop policy baselines_tenant on baselines;
create policy baselines_read on baselines for select using (tenant_id = (select current_tenant()));
create policy baselines_add on baselines for insert with check (tenant_id = (select current_tenant()) and state = 'proposed');
create policy baselines_decide on baselines for update
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));

create function keep_baselines() returns trigger language plpgsql as $$
begin
    if old.state = 'proposed' and new.withdrawn_at is null
        and to_jsonb(new) - array['state', 'decided_by', 'decided_at', 'decision_note', 'version']
            = to_jsonb(old) - array['state', 'decided_by', 'decided_at', 'decision_note', 'version'] then
        return new;
    end if;
    if old.state = 'approved' and new.state = 'rejected' and new.withdrawn_at is not null
        and to_jsonb(new) - array['state', 'withdrawn_by', 'withdrawn_at', 'withdrawal_note', 'version']
            = to_jsonb(old) - array['state', 'withdrawn_by', 'withdrawn_at', 'withdrawal_note', 'version'] then
        return new;
    end if;
    raise exception 'baseline % is decided', old.id using errcode = 'restrict_violation';
end
$$;

create trigger baselines_keep before update on baselines for each row execute function keep_baselines();
