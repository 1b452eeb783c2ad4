-- Production of PV plants, and the sun, temperature and limits around them.
-- use: amounts
-- use: one_point

-- name: production
-- What a plant gave, reading by reading; `asked_meters` and `amounts` as of amounts.sql. Power that is spread over a gap
-- would look like a limit of it.
select a.at + to_microseconds(coalesce(k.early_us, 0)) as at, a.amount as amount
from amounts as a
left join clocks as k on k.point = a.meter
where a.meter = $meter and a.amount is not null and not a.spread
order by a.at
