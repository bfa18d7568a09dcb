-- Version 1 of the schema. What is here is never changed: what comes later is a file of its own.
create table store (
    -- One row.
    is_one boolean primary key default true check (is_one),
    -- The newest of these files that was applied.
    schema_version integer not null,
    -- What a Waika has to know at least, of these versions, to write here.
    needs_version integer not null
);
insert into store (schema_version, needs_version) values (1, 1);

-- What stands for one wallet. Rows are updated in place most of the time: no index is on what changes.
create table account (
    account_id text primary key,
    -- The sequence of its last entry.
    version bigint not null,
    -- Raised by all that changes more than the counters.
    control_version bigint not null,
    -- Months since year 0 and the year, in Shanghai, and the principal that each has used, in fen. They only grow.
    month integer not null,
    month_used_fen bigint not null,
    year integer not null,
    year_used_fen bigint not null,
    -- All else: a record of a snapshot.
    state bytea not null
) with (fillfactor = 70);

-- What happened to wallets: the entries of a journal.
create table entry (
    account_id text not null,
    sequence bigint not null,
    -- Of the caller, the RPC and its key; none for what the server did by itself.
    call_hash bytea,
    entry bytea not null,
    primary key (account_id, sequence)
);
create unique index entry_by_call on entry (account_id, call_hash) where call_hash is not null;
