-- A person's word that a trouble is not over: absence counts from it (`Absence`). It stays when the signature is resolved again. Null: nobody has
-- said so since it is kept.
alter table failure_signatures
    add column reopened_at timestamptz,
    add column reopened_by text,
    -- The latest resolution by a person that absence has taken the place of (`resolved_…`).
    add column overtaken_at timestamptz,
    add column overtaken_by text,
    add column overtaken_branch text,
    add column overtaken_commit text;
