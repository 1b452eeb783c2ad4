-- Flow, head, power and level of pumps and tanks in windows of $width minutes.
-- Handed in: pump_points(point).
-- use: day_sums

-- name: pump_windows
select r.point as point,
       date_trunc('hour', r.at) + cast(floor(extract(minute from r.at) / $width) * $width as integer) * interval '1' minute as at,
       avg(r.value) as value
from (
    select o.point as point, o.time + to_microseconds(coalesce(k.early_us, 0)) as at, o.value as value
    from readings as o
    join pump_points as p on p.point = o.point
    left join clocks as k on k.point = o.point
    where o.quality < 3 and o.value is not null
) as r
group by r.point,
         date_trunc('hour', r.at) + cast(floor(extract(minute from r.at) / $width) * $width as integer) * interval '1' minute
order by 1, 2
