-- Whom the test belongs to, as its latest failure says. Empty for what failed last before it was kept.
alter table signature_tests add column owners text[] not null default '{}';
-- Whose most tests of the group are: counted when its tests are.
alter table failure_groups add column proposed_owners text[] not null default '{}';
