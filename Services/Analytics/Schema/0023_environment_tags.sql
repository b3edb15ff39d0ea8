-- Tags of the runs whose results stand here, as rollups know them; null of what a release before this one wrote, and where deliveries of one run say
-- different ones. So what is put down to an incident is counted by tag as well.
alter table environment_runs add column tags text[];

-- The tags under which it is counted, from the moment in which it is first put down to an incident: its run leaves after a week, while an incident can be
-- dismissed and reinstated for as long as it is kept. Null while it is counted under none, because its run's are not known.
alter table environment_failures add column tags text[];

-- The suite under which its result was counted: a test that is joined to one of another suite goes there, what was counted before stays. Null of what a
-- release before this one wrote, of which that of the test is taken.
alter table environment_failures add column suite_name text;

-- Of the row of the whole project ('all'): how many of `environmental` are counted under their tags too. Where both differ, nobody knows of any tag how much
-- of that day is the environment's: the rest is from before tags were kept, or of a release that does not count them.
alter table rollups add column environmental_tagged bigint not null default 0;
