-- What organizations use of what they may use only so much of. Gateways count in memory and add up here every second.
create table quota_usage (
    tenant_id uuid   not null,
    quota     text   not null,
    -- The first of the month for what is spent by the month; for what is held, the day on which it was looked at.
    period    date   not null,
    used      bigint not null,
    constraint quota_usage_pkey primary key (tenant_id, quota, period)
);

-- Where an organization's limits are not those of the installation.
create table quota_overrides (
    tenant_id  uuid   not null,
    quota      text   not null,
    hard_limit bigint not null,
    -- Null: the installation's share of the hard limit.
    soft_limit bigint,
    constraint quota_overrides_pkey primary key (tenant_id, quota),
    constraint quota_overrides_tenant_id_fkey foreign key (tenant_id) references organizations (tenant_id),
    constraint quota_overrides_limits_check check (hard_limit >= 0 and soft_limit between 0 and hard_limit)
);

-- Of what an organization has been warned: once in a month for each quota and threshold, whichever gateway notices.
create table quota_warnings (
    tenant_id uuid        not null,
    quota     text        not null,
    period    date        not null,
    threshold text        not null,
    sent_at   timestamptz not null default now(),
    constraint quota_warnings_pkey primary key (tenant_id, quota, period, threshold),
    constraint quota_warnings_threshold_check check (threshold in ('soft', 'hard'))
);

-- system_scope(): a gateway adds up for all organizations at once.
alter table quota_usage enable row level security;
alter table quota_usage force row level security;
create policy quota_usage_tenant on quota_usage
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table quota_overrides enable row level security;
alter table quota_overrides force row level security;
create policy quota_overrides_tenant on quota_overrides
    using (tenant_id = current_tenant() or system_scope()) with check (tenant_id = current_tenant() or system_scope());

alter table quota_warnings enable row level security;
alter table quota_warnings force row level security;
create policy quota_warnings_tenant on quota_warnings
    using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
