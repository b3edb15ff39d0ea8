-- People say of a failure besides that it is by chance, or the environment's. A release before this one takes such a word for one that was taken back.
alter table regression_verdicts drop constraint regression_verdicts_kind_check;
alter table regression_verdicts add constraint regression_verdicts_kind_check
    check (kind in ('regression', 'no_regression', 'flake', 'environment'));
