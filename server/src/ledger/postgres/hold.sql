select a.account_id, a.version, a.month, a.month_used_fen, a.year, a.year_used_fen,
    -- What it has become since the version that is known.
    case when a.version = w.known then null else a.state end
from account a join unnest($1::text[], $2::bigint[]) as w (account_id, known) on w.account_id = a.account_id
-- In order, as the commit locks them.
order by a.account_id for update of a
