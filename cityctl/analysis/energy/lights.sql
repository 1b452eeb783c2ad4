-- Readings of one lighting circuit, in order of time.

-- name: circuit
select r.time as at, r.value as value
from readings as r
where r.point = $circuit and r.quality < 3 and r.value is not null
order by r.time
