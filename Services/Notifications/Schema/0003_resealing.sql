-- Secrets that were sealed before tenants had keys of their own (first byte 1) are looked for without a tenant and sealed anew; nothing else
-- of a channel is seen that way.
create policy channels_resealing on channels for select using (system_scope() and get_byte(secret, 0) = 1);
create index channels_resealing_idx on channels (tenant_id, id) where get_byte(secret, 0) = 1;
