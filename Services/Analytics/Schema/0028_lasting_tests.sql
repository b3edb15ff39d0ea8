-- GetTest and whatever else names a test by its id alone: the one that it was joined to.
create index test_aliases_alias_id_index on test_aliases (tenant_id, alias_id);
