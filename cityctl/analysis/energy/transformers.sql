-- Load and outdoor temperature of one transformer, in order of time.

-- name: load
-- Of one point, or of one for each phase: instants of which all are known. Handed in: asked_loads(point).
select r.time as at, sum(r.value) as total, max(abs(r.value)) as highest
from readings as r
join asked_loads as a on a.point = r.point
where r.quality < 3 and r.value is not null
group by r.time
having count(*) = $points
order by r.time

-- name: ambient
select r.time as at, r.value as degree_c
from readings as r
where r.point = $ambient and r.quality < 3 and r.value is not null
order by r.time
