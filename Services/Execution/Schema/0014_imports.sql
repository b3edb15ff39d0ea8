-- Of runs that were taken over from another system: when that was. Their created_at is when they took place; what was recorded of them is from here on.
alter table runs add column imported_at timestamptz;
