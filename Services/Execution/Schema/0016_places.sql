-- `ReportedPlaces` as JSON: which machines carried the results out. Null when neither the reports nor the upload's tags say.
alter table uploads add column places jsonb;

-- A function that stands in a policy by itself is asked for every row, one in a sub-query once a statement. Every result goes through these.
alter policy results_tenant on results using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
alter policy result_details_tenant on result_details
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
