-- Series of sensors for the tests of QARTOD. Handed in: tested_points(point, counts).

-- name: sizes
-- How much is to be read of each.
select r.point as point, count(*) as readings
from readings as r
join tested_points as p on p.point = r.point
where r.time >= $since and r.time < $until
group by r.point
order by r.point

-- name: series
-- Readings of those that are handed in as chosen_points(point); bad ones have no value.
select r.point as point, r.time as time, case when r.quality < 3 then r.value end as value
from readings as r
join chosen_points as c on c.point = r.point
where r.time >= $since and r.time < $until
order by r.point, r.time

-- name: registers
-- What counters did that no register does by counting.
select c.point as point, c.since as since, c.until as until, c.repair as repair, c.before as before, c.after as after
from counted as c
join tested_points as p on p.point = c.point
where c.repair is not null and c.until >= $since and c.until < $until
order by c.point, c.until
