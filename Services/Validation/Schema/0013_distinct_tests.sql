-- Which tests failed with a signature in an hour, as a sketch (`DistinctSketch`): registers that are not zero, place * 32 + rank. Null for what was counted before.
alter table signature_hours add column tests smallint[];
