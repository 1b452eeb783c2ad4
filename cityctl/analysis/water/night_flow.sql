-- Night flow of all zones in one pass. Handed in by nights/judged.py:
--   night_points(point, kind, every_s, factor, inflow, feeds)   a zone's net inflow; a sensor that it is worked out from
--   night_before(point, fullest)   readings of the fullest night of the month before
-- All of it is asked for the nights from $first to $last; see nights/digest.py. A night bears the date on which its window ends: it holds the 24 hours up to that, in eight parts of three hours,
-- so that all of it is known when the window closes. $begin and $end: minutes of the local day, half-hours.

-- name: slots
-- Quarter hours since 1970 with the night and part that they fall into: a small join replaces converting every reading.
-- The calendar's half-hours of UTC begin at a quarter past where local time is 05:45 ahead.
create or replace table night_slots as
select *
from (
    select slot,
           case when minute < $end then day else cast(day + interval '1' day as date) end as night,
           cast(floor(((minute - $end + 1440) % 1440) / 180.0) as integer) as part,
           minute >= $begin and minute < $end as inside
    from (
        select epoch_us(slot) // 900000000 as slot, day, minute from calendar
        union all
        select epoch_us(slot) // 900000000 + 1,
               case when minute < 1425 then day else cast(day + interval '1' day as date) end, (minute + 15) % 1440
        from calendar
    ) as q
) as c
where night between $first and $last

-- name: gauges
-- [m3/h] as it is ...
select r.point as point, r.time as at, r.value * p.factor as flow
from readings as r
join night_points as p on p.point = r.point
where p.kind <> 'counter' and r.quality < 3 and r.value is not null

-- name: counters
-- ... or what a register counted until its next reading, unless it was silent for long; the store's view `counted`
-- knows of roll-overs, resets, exchanges, zeros and codes.
select c.point as point, c.since as at,
       c.amount * 3600000000.0 / (epoch_us(c.until) - epoch_us(c.since)) as flow
from counted as c
join night_points as p on p.point = c.point
where p.kind = 'counter' and c.quality < 3 and c.amount is not null and c.until <= c.since + interval '3' hour

-- name: parts
create or replace table night_parts as
select f.point as point, s.night as night, s.part as part,
       count(*) as readings, sum(f.flow) as flow, min(f.flow) as least, max(f.flow) as most,
       min(case when f.flow > 0 then f.flow end) as pulse, count(case when f.flow < 0 then 1 end) as negatives,
       count(case when s.inside then 1 end) as window_readings,
       sum(case when s.inside then f.flow end) as window_flow,
       count(case when s.inside and f.flow < 0 then 1 end) as window_negatives
from night_flows as f
join night_slots as s on s.slot = epoch_us(f.at) // 900000000
group by f.point, s.night, s.part

-- name: fullest
-- The readings of the fullest night of each point of which city.yaml does not say how often it is read.
select p.point as point, cast(coalesce(max(n.readings), max(b.fullest)) as double) as fullest
from night_points as p
left join (
    select point, night, sum(readings) as readings from night_parts group by point, night
) as n on n.point = p.point
left join night_before as b on b.point = p.point
where p.every_s is null
group by p.point

-- name: steps
-- The time between two readings: as city.yaml says, or from the fullest night of this month and the one before.
create or replace table night_steps as
select p.point as point, coalesce(max(p.every_s), 86400.0 / greatest(1, max(n.readings), max(b.fullest))) as every_s
from night_points as p
left join (
    select point, night, sum(readings) as readings from night_parts group by point, night
) as n on n.point = p.point
left join night_before as b on b.point = p.point
group by p.point

-- name: windows
-- Of the window's readings: their median and its standard error as the quartiles tell it (spikes leave it as it is),
-- the lowest mean of 60 minutes, and those that lie beyond both neighbours by more than the mean flow of the 24 hours:
-- one reading alone says nothing of such a flow. `pulse` is the day's smallest flow above zero, and `uneven` how far
-- readings are at most from whole numbers of it, of which a meter that counts in pulses shows none.
create or replace table night_windows as
select w.point as point, w.night as night,
       percentile_cont(0.5) within group (order by w.flow) as median,
       (percentile_cont(0.75) within group (order by w.flow) - percentile_cont(0.25) within group (order by w.flow))
         / 1.349 / sqrt(count(*)) as median_error,
       min(w.flow) as least, count(*) as counted,
       min(case when w.hour_readings * t.every_s >= 3240 then w.hour end) as lowest_hour,
       sum(case when w.lone > d.mean then w.flow end) as spiked,
       count(case when w.lone > d.mean then 1 end) as spikes,
       max(d.pulse) as pulse, max(abs(w.flow / d.pulse - round(w.flow / d.pulse))) as uneven
from (
    select n.point as point, n.night as night, n.flow as flow, n.hour as hour, n.hour_readings as hour_readings,
           greatest(n.flow - greatest(n.before, n.after), least(n.before, n.after) - n.flow) as lone
    from (
        select f.point as point, s.night as night, f.flow as flow,
               avg(f.flow) over sixty as hour, count(*) over sixty as hour_readings,
               coalesce(lag(f.flow) over by_time, lead(f.flow, 2) over by_time) as before,
               coalesce(lead(f.flow) over by_time, lag(f.flow, 2) over by_time) as after
        from night_flows as f
        join night_points as p on p.point = f.point
        join night_slots as s on s.slot = epoch_us(f.at) // 900000000
        where p.inflow and s.inside
        window by_time as (partition by f.point, s.night order by f.at),
               sixty as (partition by f.point, s.night order by f.at
                         range between interval '59' minute preceding and current row)
    ) as n
) as w
join night_steps as t on t.point = w.point
join (
    select point, night, abs(sum(flow) / sum(readings)) as mean, min(pulse) as pulse
    from night_parts
    group by point, night
) as d on d.point = w.point and d.night = w.night
group by w.point, w.night

-- name: nights
-- One row a zone inflow and night, with what the night should have held.
select p.point as point, p.night as night, max(w.median) as median, max(w.median_error) as median_error,
       max(w.lowest_hour) as lowest_hour, max(w.least) as least, max(w.counted) as counted,
       max(w.spiked) as spiked, max(w.spikes) as spikes, max(w.pulse) as pulse, max(w.uneven) as uneven,
       sum(p.window_flow) / nullif(sum(p.window_readings), 0) as mean,
       sum(p.window_readings) * max(t.every_s) / (max(e.inside) * 900.0) as present,
       sum(case when p.part < 6 then p.flow end)
         / nullif(sum(case when p.part < 6 then p.readings end), 0) as by_day,
       sum(case when p.part < 6 then p.readings else 0 end) * max(t.every_s) / (max(e.day_slots) * 900.0)
         as day_present,
       sum(p.flow) / nullif(sum(p.readings), 0) as inflow
from night_parts as p
join night_points as q on q.point = p.point
join night_steps as t on t.point = p.point
join (
    select night, count(case when inside then 1 end) as inside, count(case when part < 6 then 1 end) as day_slots
    from night_slots
    group by night
) as e on e.night = p.night
left join night_windows as w on w.point = p.point and w.night = p.night
where q.inflow and e.inside > 0
group by p.point, p.night

-- name: courses
-- Mean flow of each part of the 24 hours of each inflow, where most of its readings are there.
select p.point as point, p.night as night, p.part as part, p.flow / p.readings as flow
from night_parts as p
join night_points as q on q.point = p.point
join night_steps as t on t.point = p.point
where q.inflow and p.readings * t.every_s >= 7200

-- name: sensors
-- Six hours of one sensor: how many readings, their mean and range, how many were below zero, and the mean of either half.
select p.point as point, p.night as night, p.part // 2 as part, cast(sum(p.readings) as integer) as readings,
       sum(p.flow) / sum(p.readings) as mean, min(p.least) as least, max(p.most) as most, 
       cast(sum(p.negatives) as integer) as negatives,
       sum(case when p.part % 2 = 0 then p.flow end) / sum(case when p.part % 2 = 0 then p.readings end) as early,
       sum(case when p.part % 2 = 1 then p.flow end) / sum(case when p.part % 2 = 1 then p.readings end) as late
from night_parts as p
join night_points as q on q.point = p.point
where q.feeds
group by p.point, p.night, p.part // 2

-- name: still_since
-- Since when a sensor shows the value that it keeps.
select min(f.at)
from night_flows as f
where f.point = $point and f.flow = $value
  and f.at > (
      select max(g.at) from night_flows as g where g.point = $point and g.flow <> $value and g.at < $before
  )
