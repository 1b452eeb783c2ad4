-- Interruptions come with the city; the days of the interval are those of the calendar.

-- name: hours
select count(*) / 2.0 as hours
from calendar as c
where c.slot >= $start and c.slot < $until
