-- ListTests, ListFlakyTests and GetTestGrid by id, as exports read them. No update changes its columns.
create index tests_project_id_id_index on tests (tenant_id, project_id, id);
