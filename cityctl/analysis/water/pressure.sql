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
-- Mean, ends, and steps from one reading to the next, as long as none is missing between them. Rounded, so that the mean
-- is the same in whatever order readings come.
select s.point as point, avg(round(s.value * 67108864) / 67108864) as mean, min(s.value) as least, max(s.value) as most,
       max(case when s.follows then abs(s.value - s.before) end) as largest,
       count(case when s.follows and abs(s.value - s.before) >= $step then 1 end) as transients
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

-- name: pressure_stands
-- Of each sensor, by the history too: since when it shows the value that it keeps (null where it never showed another),
-- for how long [s], and the length [s] of the $usual-th longest of the stands that it went on from.
select s.point as point, max(case when s.goes_on is null and not s.first then s.since end) as moved,
       max(case when s.goes_on is null then s.stood end) as stood,
       max(case when s.goes_on is not null and s.place = $usual then s.stood end) as usual
from (
    select t.point as point, t.since as since, t.first as first, t.goes_on as goes_on,
           extract(epoch from coalesce(t.last, t.heard)) - extract(epoch from t.since) as stood,
           row_number() over (
               partition by t.point, t.goes_on is null
               order by extract(epoch from coalesce(t.last, t.heard)) - extract(epoch from t.since) desc
           ) as place
    from (
        select c.point as point, c.at as since, c.before is null as first, c.heard as heard,
               lead(c.at) over (partition by c.point order by c.at) as goes_on,
               lead(c.last) over (partition by c.point order by c.at) as last
        from (
            select r.point as point, r.time as at, r.value as value,
                   lag(r.value) over (partition by r.point order by r.time) as before,
                   lag(r.time) over (partition by r.point order by r.time) as last,
                   max(r.time) over (partition by r.point) as heard
            from readings as r
            join pressure_points as p on p.point = r.point
            where r.quality < 2 and r.value is not null and r.time < $until
        ) as c
        where c.before is null or c.value <> c.before
    ) as t
) as s
group by s.point

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
