-- Raised by every change: whoever changes a row names the version that it has read, so that nobody undoes what somebody else has just done.
alter table channels
    add column version bigint not null default 1,
    -- Names the request that made this version, so that its repetition after a crash finds that it was carried out.
    add column change_key text;

-- Of the last replay: a repetition after a crash sends nothing twice.
alter table deliveries add column replay_key text;
