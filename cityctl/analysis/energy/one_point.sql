-- Readings of one point in order of time, the flagged ones among them.
-- use: clocks

-- name: one_point
select r.time + to_microseconds(coalesce(k.early_us, 0)) as at, r.value as value, r.quality as quality
from readings as r
left join clocks as k on k.point = r.point
where r.point = $point and r.value is not null
order by r.time
