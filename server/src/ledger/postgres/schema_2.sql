-- Version 2 of the schema: what a server needs beside the accounts and their entries.
update store set schema_version = 2, needs_version = 2;
-- The keys that everything is digested under, wrapped by the key file; none before the first start.
alter table store add column keyring bytea;

-- Digests of the cards that are bound, under each key: who else has bound a card is found by it. It changes with them
-- only, so that a payment still updates its row in place. Not by way of a list of what is new, which every question
-- would read from its beginning to its end.
alter table account add column cards bigint[] not null default '{}';
create index account_by_card on account using gin (cards) with (fastupdate = off);
-- What waits for an operator: 1 a risk ticket, 2 a password ticket, 4 a review.
alter table account add column open_tickets smallint not null default 0;
create index account_with_open_ticket on account (account_id) where open_tickets <> 0;

-- The authorisation that an entry changes, by its sequence.
alter table entry add column about bigint;
create index entry_about on entry (account_id, about, sequence) where about is not null;
-- The entry whose call it ends, or whose advice it pays off.
alter table entry add column ends bigint;
create index entry_ends on entry (account_id, ends) where ends is not null;
-- The payment code that leads to its account.
alter table entry add column code bigint;
create index entry_by_code on entry (code) where code is not null;
-- It is part of the operator log.
alter table entry add column operated boolean not null default false;
create index entry_operated on entry (sequence) where operated;
-- By which transaction, if every node has to hear of it.
alter table entry add column written xid8;
create index entry_written on entry (written) where written is not null;

-- Entries that something has to follow: a call that asks an issuer, an advice that is owed.
create table awaiting (
    account_id text not null,
    sequence bigint not null,
    primary key (account_id, sequence)
);

-- Who decides here. A node that could not renew its row stops before the time in it.
create table node (
    number integer primary key,
    -- Tells apart who holds a number from who held it.
    holder bytea not null,
    name text not null,
    held_until timestamptz not null,
    -- What is below it was given by who held the number before.
    first_sequence bigint not null
);
