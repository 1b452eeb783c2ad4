-- Readings of one point in order of time, the flagged ones among them.

-- name: one_point
select r.time as at, r.value as value, r.quality as quality
from readings as r
where r.point = $point and r.value is not null
order by r.time
