-- The latest word on a signature's failures, when the one that it shows is taken back, and what is to be given back of a group: there may be as many of
-- a signature as it has failures. By itself, since the table can be read while an index is made.
create index failures_words_index on failures (tenant_id, project_id, signature_id, verdict_at desc, result_id desc)
    where judged_category is not null and trusted;
