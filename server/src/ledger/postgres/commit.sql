with wanted as (
    select * from unnest(
        $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::bigint[], $7::integer[], $8::bigint[],
        $9::bytea[], $14::text[], $15::smallint[]
    ) as w (
        account_id, expected, version, control_version, month, month_used_fen, year, year_used_fen, state, cards,
        open_tickets
    )
), asked as (
    select * from unnest(
        $10::text[], $11::bigint[], $12::bytea[], $13::bytea[], $16::bigint[], $17::bigint[], $18::bigint[],
        $19::smallint[]
    ) as e (account_id, sequence, call_hash, entry, about, ends, code, marks)
), held as materialized (
    -- The row first and in order, and its version once it is ours.
    select a.account_id from account a join wanted w on w.account_id = a.account_id
    where a.version = w.expected
    order by a.account_id for update of a
), opened as (
    insert into account (
        account_id, version, control_version, month, month_used_fen, year, year_used_fen, state, cards, open_tickets
    )
    select
        account_id, version, control_version, month, month_used_fen, year, year_used_fen, state, cards::bigint[],
        open_tickets
    from wanted
    where expected = 0 order by account_id
    on conflict do nothing returning account_id
), known as (
    -- An entry that is not seen here is of a version that was not expected.
    select e.account_id, e.call_hash, e.sequence from entry e join asked a
    on a.account_id = e.account_id and a.call_hash = e.call_hash
    where (a.account_id in (select account_id from held)) is true
), added as (
    insert into entry (account_id, sequence, call_hash, entry, about, ends, code, operated, written)
    -- `in (...) is true` and not `in (...)`: that is looked up in a hash table, and not joined in a loop where a plan
    -- that is kept takes batches to be of ten rows.
    select
        account_id, sequence, call_hash, entry, about, ends, code, marks & 2 <> 0,
        case when marks & 4 <> 0 then pg_current_xact_id() end
    from asked
    where (account_id in (select account_id from held union all select account_id from opened)) is true
    and account_id not in (select account_id from known)
    returning account_id
), begun as (
    insert into awaiting (account_id, sequence)
    select account_id, sequence from asked
    where marks & 1 <> 0 and (account_id in (select account_id from added)) is true
), ended as (
    delete from awaiting w using asked a
    where a.ends is not null and w.account_id = a.account_id and w.sequence = a.ends
    and (a.account_id in (select account_id from added)) is true
), changed as (
    update account a
    set version = w.version, control_version = w.control_version, month = w.month, month_used_fen = w.month_used_fen,
        year = w.year, year_used_fen = w.year_used_fen, state = w.state, cards = w.cards::bigint[],
        open_tickets = w.open_tickets
    from wanted w
    where a.account_id = w.account_id and w.expected <> 0
    and (w.account_id in (select account_id from added)) is true
    returning a.account_id
)
select account_id, null::bytea, 0::bigint from changed
union all select account_id, null, 0 from opened
union all select account_id, call_hash, sequence from known
