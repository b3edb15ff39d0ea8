-- Whose holders have been told that it ends soon: once.
alter table api_keys add column expiry_told_at timestamptz;

-- For the round that looks for them.
create index api_keys_expiring on api_keys (expires_at) where expires_at is not null and revoked_at is null and expiry_told_at is null;
