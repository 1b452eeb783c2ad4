-- Leaks. The nights themselves are night_flow.sql's; here is what customer meters and pressure sensors add.
-- Handed in by leaks.py: customers(point, zone), gauges(point); both are among night_points. Asked month by month: nights/digest.py.

-- name: metered
-- What customers used in each part of the 24 hours of a night, and how many of their meters told [m3/h]. Means are
-- rounded as night_flows' readings are: their sum is the same in whatever order they come.
select c.zone as zone, p.night as night, p.part as part, sum(round(p.flow / p.readings * 67108864) / 67108864) as flow, count(*) as meters
from night_parts as p
join customers as c on c.point = p.point
join night_steps as t on t.point = p.point
where p.readings * t.every_s >= 7200
group by c.zone, p.night, p.part

-- name: heads
-- Mean head of each part of the 24 hours of a night, sensor by sensor [m].
select p.point as point, p.night as night, p.part as part, p.flow / p.readings as head
from night_parts as p
join gauges as g on g.point = p.point
join night_steps as t on t.point = p.point
where p.readings * t.every_s >= 7200
