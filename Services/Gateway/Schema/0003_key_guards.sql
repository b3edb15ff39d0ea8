-- Where a key may be used from, and its secret before the last rotation.
alter table api_keys
    -- CIDR notation; empty for anywhere.
    add column allowed_cidrs text[] not null default '{}',
    -- Good until `previous_until`, so that whoever uses the key has time to change it.
    add column previous_digest bytea,
    add column previous_until timestamptz,
    -- Of the last rotation: a repetition after a crash gives a new secret, but must not drop the one before the rotation.
    add column rotation_key text,
    add constraint api_keys_previous_check check ((previous_digest is null) = (previous_until is null));

-- For checking a key, as api_keys_digest is.
create index api_keys_previous_digest on api_keys (previous_digest) where previous_digest is not null;
