create table deliveries (
    tenant_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    -- The sender's id for the event, and the webhook-id header.
    event_id text not null,
    event_type text not null,
    project_id uuid,
    body text not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    last_status integer not null default 0,
    last_error text not null default '',
    next_attempt_at timestamptz,
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    constraint deliveries_pkey primary key (tenant_id, id),
    constraint deliveries_channel_id_fkey foreign key (tenant_id, channel_id) references channels (tenant_id, id) on delete cascade,
    -- An event that comes again makes no second delivery.
    constraint deliveries_channel_id_event_id_unique unique (tenant_id, channel_id, event_id),
    constraint deliveries_state_check check (state in ('pending', 'delivered', 'failed', 'blocked'))
);

alter table deliveries enable row level security;
alter table deliveries force row level security;
create policy deliveries_tenant on deliveries using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- ListDeliveries, newest first: ids are UUIDv7.
create index deliveries_tenant_id_id_index on deliveries (tenant_id, id desc);

create table attempts (
    tenant_id uuid not null,
    delivery_id uuid not null,
    number integer not null,
    at timestamptz not null default now(),
    status integer not null,
    error text not null,
    duration_ms bigint not null,
    response_excerpt text not null,
    constraint attempts_pkey primary key (tenant_id, delivery_id, number),
    constraint attempts_delivery_id_fkey foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id) on delete cascade
);

alter table attempts enable row level security;
alter table attempts force row level security;
create policy attempts_tenant on attempts using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
