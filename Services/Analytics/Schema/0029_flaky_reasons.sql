-- Why the machine takes a test for flaky, as `KeptReasons` writes it: else a page of them would be worked out anew from all that is remembered of each test
-- whenever somebody looks. Null where it does not, and of verdicts from before this column until the test runs again.
alter table tests add column flaky_reasons bytea;
