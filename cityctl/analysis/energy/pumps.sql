-- Flow, head, power and level of pumps and tanks in windows of a quarter of an hour.
-- Handed in: pump_points(point).
-- use: day_sums

-- name: quarters
select r.point as point,
       date_trunc('hour', r.time) + cast(floor(extract(minute from r.time) / 15) * 15 as integer) * interval '1' minute as at,
       avg(r.value) as value
from readings as r
join pump_points as p on p.point = r.point
where r.quality < 3 and r.value is not null
group by r.point,
         date_trunc('hour', r.time) + cast(floor(extract(minute from r.time) / 15) * 15 as integer) * interval '1' minute
order by 1, 2
