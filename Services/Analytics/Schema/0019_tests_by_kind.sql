-- ListTests of one kind, most flips first: a person's word, where there is none the machine's.
create index tests_kind_index on tests (tenant_id, project_id, coalesce(verdict, stability, 'unknown'), flips desc, id);
