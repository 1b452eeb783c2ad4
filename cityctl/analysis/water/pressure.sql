-- Pressure by sensor. Handed in: pressure_points(point). Values in bar; classes of 0.05 bar tell the percentiles.
-- use: night_use

-- name: pressure_classes
select r.point as point, floor(r.value * 20) / 20 as low, count(*) as readings
from readings as r
join pressure_points as p on p.point = r.point
where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
group by r.point, floor(r.value * 20)
order by 1, 2

-- name: pressure_steps
-- Mean, ends, steps from one reading to the next, as long as none is missing between them, and the last change.
select s.point as point, avg(s.value) as mean, min(s.value) as least, max(s.value) as most,
       max(case when s.follows then abs(s.value - s.before) end) as largest,
       count(case when s.follows and abs(s.value - s.before) >= $step then 1 end) as transients,
       max(case when s.value <> s.before then s.at end) as moved, max(s.at) as heard
from (
    select r.point as point, r.time as at, r.value as value,
           lag(r.value) over (partition by r.point order by r.time) as before,
           lag(r.time) over (partition by r.point order by r.time) >= r.time - interval '1' hour as follows
    from readings as r
    join pressure_points as p on p.point = r.point
    where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
) as s
group by s.point
order by 1

-- name: pressure_changes
-- The same steps by local day, half-hour and direction, the history's too; inside: those in the interval.
select s.point as point, c.day as day, min(c.minute + extract(minute from s.at) % 30) as minute,
       count(case when s.at >= $since and s.at < $until then 1 end) as inside,
       case when s.value > s.before then max(s.value - s.before) else min(s.value - s.before) end as size
from (
    select r.point as point, r.time as at, r.value as value,
           lag(r.value) over (partition by r.point order by r.time) as before,
           lag(r.time) over (partition by r.point order by r.time) >= r.time - interval '1' hour as follows
    from readings as r
    join pressure_points as p on p.point = r.point
    where r.quality < 2 and r.value is not null
) as s
join calendar as c
  on c.slot = case when extract(minute from s.at) >= 30
                   then date_trunc('hour', s.at) + interval '30' minute
                   else date_trunc('hour', s.at) end
where s.follows and abs(s.value - s.before) >= $step
group by s.point, c.day, c.minute, s.value > s.before
order by 1, 2, 3

-- name: pressure_days
-- How many readings each local day of a sensor has.
select r.point as point, c.day as day, count(*) as readings
from readings as r
join pressure_points as p on p.point = r.point
join calendar as c
  on c.slot = case when extract(minute from r.time) >= 30
                   then date_trunc('hour', r.time) + interval '30' minute
                   else date_trunc('hour', r.time) end
where r.quality < 2 and r.value is not null
group by r.point, c.day
