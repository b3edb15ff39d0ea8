-- What the group of a failure was reached from, so that it can be reached again.
alter table failures
    -- Edition of scanner, signer and mining (`Grouping.edition`). Null: filed before it was kept, all of that by edition 1.
    add column grouping_edition integer,
    -- What it was signed as, where it counts for another signature: its own found no room, or nothing is learnt from it. Null: `signature_id`.
    add column signed_as uuid;
