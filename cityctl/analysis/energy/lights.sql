-- Readings of one lighting circuit, in order of time.

-- name: circuit
select r.time as at, r.value as value
from readings as r
where r.point = $circuit and r.quality < 3 and r.value is not null
order by r.time

-- name: register
-- What the register of one circuit counted, from one reading to the next.
select c.since as at, c.until as until, c.amount as value
from counted as c
where c.point = $circuit and c.quality < 3 and c.amount is not null
order by c.since
