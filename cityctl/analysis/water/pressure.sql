-- Pressure by sensor. Handed in: pressure_points(point). Values in bar; classes of 0.05 bar tell the percentiles.
-- use: night_use

-- name: pressure_pace
-- Which sensors are read oftener than every ten seconds.
create or replace table pressure_pace as
select r.point as point, count(*) > 6 * count(distinct date_trunc('minute', r.time)) as fine
from readings as r
join pressure_points as p on p.point = r.point
where r.quality < 2 and r.value is not null
group by r.point

-- name: pressure_values
-- What steps are told from. Readings that come oftener than every ten seconds, as loggers of surges write them, are reduced
-- to medians of ten seconds: from one second to the next noise moves more than a surge does, and a surge takes several.
create or replace table pressure_values as
select r.point as point, r.time as at, r.value as value, false as fine
from readings as r
join pressure_pace as p on p.point = r.point
where not p.fine and r.quality < 2 and r.value is not null
union all
select r.point as point, time_bucket(interval '10' second, r.time) as at,
       percentile_cont(0.5) within group (order by r.value) as value, true as fine
from readings as r
join pressure_pace as p on p.point = r.point
where p.fine and r.quality < 2 and r.value is not null
group by r.point, time_bucket(interval '10' second, r.time)

-- name: pressure_changed
-- The change from the reading before, as long as none is missing between them; of medians of ten seconds that within half
-- a minute.
create or replace table pressure_changed as
select v.point as point, v.at as at, v.value as value, v.fine as fine,
       case when v.follows then v.value - v.before end as moved
from (
    select w.point as point, w.at as at, w.value as value, w.fine as fine,
           lag(w.at) over by_time >= w.at - interval '1' hour as follows,
           case when w.fine then first_value(w.value) over half_minute else lag(w.value) over by_time end as before
    from pressure_values as w
    window by_time as (partition by w.point order by w.at),
           half_minute as (partition by w.point order by w.at
                           range between interval '30' second preceding and current row)
) as v

-- name: pressure_moves
-- Those that are steps; of medians they have to be seven times their usual size too, and are one as long as they go on.
create or replace table pressure_moves as
select f.point as point, f.at as at, f.value as value, f.moved as moved, f.far as far,
       f.far and not (f.fine and coalesce(lag(f.far) over (partition by f.point order by f.at), false)) as begins
from (
    select c.point as point, c.at as at, c.value as value, c.fine as fine, c.moved as moved,
           coalesce(abs(c.moved) >= greatest($step, coalesce(7 * u.usual, 0)), false) as far
    from pressure_changed as c
    left join (
        select point, percentile_cont(0.5) within group (order by abs(moved)) as usual
        from pressure_changed
        where fine and moved is not null
        group by point
    ) as u on u.point = c.point
) as f

-- name: pressure_classes
select r.point as point, floor(r.value * 20) / 20 as low, count(*) as readings, min(r.value) as least, max(r.value) as most
from readings as r
join pressure_points as p on p.point = r.point
where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
group by r.point, floor(r.value * 20)
order by 1, 2

-- name: pressure_steps
-- Mean, and steps; nothing stands before the interval's first reading. Rounded, so that the mean is the same in whatever
-- order readings come.
select s.point as point, avg(round(s.value * 67108864) / 67108864) as mean,
       max(case when s.place > 1 then abs(s.moved) end) as largest,
       count(case when s.place > 1 and s.begins then 1 end) as transients
from (
    select m.point as point, m.value as value, m.moved as moved, m.begins as begins,
           row_number() over (partition by m.point order by m.at) as place
    from pressure_moves as m
    where m.at >= $since and m.at < $until
) as s
group by s.point
order by 1

-- name: pressure_lowest
-- The hour of the local day in which each sensor shows least; `quarters` is there.
select h.point as point, min(case when h.place = 1 then h.hour end) as hour
from (
    select r.point as point, q.hour as hour, row_number() over (partition by r.point order by avg(r.value), q.hour) as place
    from readings as r
    join pressure_points as p on p.point = r.point
    join quarters as q on q.quarter = epoch_us(r.time) // 900000000
    where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
    group by r.point, q.hour
) as h
group by h.point

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
       count(case when s.begins and s.at >= $since and s.at < $until then 1 end) as inside,
       case when s.moved > 0 then max(s.moved) else min(s.moved) end as size
from pressure_moves as s
join calendar as c
  on c.slot = case when extract(minute from s.at) >= 30
                   then date_trunc('hour', s.at) + interval '30' minute
                   else date_trunc('hour', s.at) end
where s.far
group by s.point, c.day, c.minute, s.moved > 0
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
