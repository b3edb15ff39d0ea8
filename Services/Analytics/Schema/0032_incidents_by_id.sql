-- ListEnvironmentIncidents by id, as exports read it. No update changes its columns.
create index environment_incidents_project_id_id_index on environment_incidents (tenant_id, project_id, id);
