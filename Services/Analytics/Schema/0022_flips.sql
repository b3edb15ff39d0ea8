-- A failure that is put down to an environment and has been taken out of the changes of outcome that `tests` and `days` count (FlipStore). False for
-- what was put down before there was this: such changes stay counted, as do those of failures that a release before it takes from tests. What such a release
-- gives back stays true: its failures count again, the changes of outcome around them do not.
alter table facts add column excused boolean not null default false;
