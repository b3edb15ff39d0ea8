-- What people filed the failures of a signature as, from one edition of the project's lessons to another: edition e is the rows with since_edition <= e and
-- no until_edition <= e. Each edition begins one lesson, ends one, or both; so what was known at any edition can be read again, and none is copied.
create table lessons (
    tenant_id uuid not null,
    project_id uuid not null,
    since_edition bigint not null,
    -- Null while it holds.
    until_edition bigint,
    signature_id uuid not null,
    origin text not null,
    text text not null,
    category text not null,
    -- Null where the person named none.
    severity text,
    -- The word: which version of the verdict on which failure.
    result_id uuid not null,
    verdict_version bigint not null,
    decided_by text not null,
    decided_at timestamptz not null,
    -- The newest lessons of an edition.
    constraint lessons_pkey primary key (tenant_id, project_id, since_edition)
);

alter table lessons enable row level security;
create policy lessons_tenant on lessons using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- The lesson that a word ends; one of a signature at a time.
create unique index lessons_project_id_signature_id_unique on lessons (tenant_id, project_id, signature_id) where until_edition is null;
-- ListLessons, newest first.
create index lessons_standing_index on lessons (tenant_id, project_id, since_edition) where until_edition is null;
-- What an edition knew that has ended since.
create index lessons_ended_index on lessons (tenant_id, project_id, until_edition) where until_edition is not null;

-- Whether failures that no rule knows are judged after lessons; on before the first row. Each row is an edition of the project's rules.
create table learning_switches (
    tenant_id uuid not null,
    project_id uuid not null,
    edition bigint not null,
    is_on boolean not null,
    -- Counts from 2: what holds before anybody has said anything is version 1.
    version bigint not null,
    actor text not null,
    changed_at timestamptz not null default now(),
    constraint learning_switches_pkey primary key (tenant_id, project_id, edition)
);

alter table learning_switches enable row level security;
alter table learning_switches force row level security;
create policy learning_switches_tenant on learning_switches using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());

-- Beside the edition of the rules, so that a delivery learns of both at once.
alter table rulebooks add column lessons_edition bigint not null default 0;

-- The severity that the person named, empty where none was: then `severity` is what the machine said. Null where an earlier release wrote the row, of which
-- only `severity` is known, and where a word was taken back.
alter table failure_verdicts add column own_severity text;

alter table failures
    -- 0: it was not compared with lessons.
    add column lessons_edition bigint not null default 0,
    -- How it was compared (`LearnedStep.edition`).
    add column learned_edition integer not null default 0,
    -- What it was judged after: an array of objects (`Neighbour`). Null where a rule decided.
    add column neighbours jsonb;

alter table recategorisations add column lessons_edition bigint not null default 0;

-- What has been said so far, oldest first. The owner's rows are everybody's as long as policies are not forced upon it.
alter table failures no force row level security;
alter table failure_verdicts no force row level security;
alter table failure_signatures no force row level security;
alter table rulebooks no force row level security;
update failure_verdicts v set own_severity = coalesce(nullif(v.severity, coalesce(f.judged_severity, f.severity)), '')
from failures f
where v.severity is not null and v.tenant_id = f.tenant_id and v.result_id = f.result_id;
insert into lessons (
    tenant_id, project_id, since_edition, signature_id, origin, text, category, severity, result_id, verdict_version, decided_by, decided_at)
select s.tenant_id, s.project_id, row_number() over (partition by s.tenant_id, s.project_id order by v.decided_at, s.signature_id), s.signature_id, s.origin,
    s.text, v.category, nullif(v.own_severity, ''), v.result_id, v.version, v.decided_by, v.decided_at
from failure_signatures s
join failures f on f.tenant_id = s.tenant_id and f.result_id = s.verdict_result
join failure_verdicts v on v.tenant_id = f.tenant_id and v.result_id = f.result_id and v.version = f.verdict_version
where s.is_mined and v.category is not null;
insert into rulebooks (tenant_id, project_id, edition, lessons_edition)
select tenant_id, project_id, 0, count(*) from lessons group by tenant_id, project_id
on conflict on constraint rulebooks_pkey do update set lessons_edition = excluded.lessons_edition;
alter table failures force row level security;
alter table failure_verdicts force row level security;
alter table failure_signatures force row level security;
alter table rulebooks force row level security;
alter table lessons force row level security;
