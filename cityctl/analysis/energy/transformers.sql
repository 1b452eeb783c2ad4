-- Load and outdoor temperature of one transformer, in order of time.

-- name: load
select r.time as at, r.value as load
from readings as r
where r.point = $load and r.quality < 3 and r.value is not null
order by r.time

-- name: ambient
select r.time as at, r.value as degree_c
from readings as r
where r.point = $ambient and r.quality < 3 and r.value is not null
order by r.time
