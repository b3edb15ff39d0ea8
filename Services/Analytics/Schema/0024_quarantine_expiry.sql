-- ListQuarantines of those that expire soon, and what asks for those in force: what has expired and stands may be any number.
create index quarantines_expires_at_index on quarantines (tenant_id, project_id, expires_at) where lifted_at is null;
