-- How far the run's results can be relied on (Primitives.Lane): nothing is learnt from those that are not trusted.
alter table validations
    add column lane text not null default 'trusted',
    add constraint validations_lane_check check (lane in ('trusted', 'untrusted'));
