-- The water balance: what flowed through meters within an interval [m3], whatever kind of meter it is, and how much of it was metered.
-- Handed in: volume_points(point, kind, every_s); $since and $until of UTC.

-- name: volume_paces
-- Seconds between the readings of each meter: as city.yaml says, by its fullest day, or of bills by the middle of their steps.
create or replace table volume_paces as
select p.point as point, p.kind as kind,
       coalesce(max(p.every_s), case when max(d.readings) > 1 then 86400.0 / max(d.readings) end, max(d.step), 86400.0)
         as every_s
from volume_points as p
left join (
    select point, max(readings) as readings, median(epoch_us(first) - epoch_us(before)) / 1e6 as step
    from (
        select point, readings, first, lag(first) over (partition by point order by first) as before
        from (
            select r.point as point, count(*) as readings, min(r.time) as first
            from readings as r
            join volume_points as q on q.point = r.point
            where q.every_s is null and q.kind <> 'counter'
            group by r.point, date_trunc('day', r.time)
        ) as e
    ) as f
    group by point
) as d on d.point = p.point
where p.kind <> 'counter'
group by p.point, p.kind

-- name: volume_bills
-- A bill holds until the next one, and where that is not near for its slot, or for calendar months if it begins with one.
create or replace table volume_bills as
select g.point as point, g.value as value, extract(epoch from g.time) as begin,
       case when g.gap <= 1.15 * g.every_s then g.gap
            when extract(day from c.day) = 1 and g.months >= 1 and abs(g.every_s / 2629800 - g.months) < 0.05 * g.months
            then 86400.0 * date_diff('day', c.day, cast(c.day + g.months * interval '1' month as date))
            else g.every_s end as held
from (
    select r.point as point, r.value as value, r.time as time, p.every_s as every_s,
           cast(round(p.every_s / 2629800) as integer) as months,
           extract(epoch from lead(r.time) over (partition by r.point order by r.time)) - extract(epoch from r.time) as gap,
           case when extract(minute from r.time) >= 30 then date_trunc('hour', r.time) + interval '30' minute
                else date_trunc('hour', r.time) end as slot
    from readings as r
    join volume_paces as p on p.point = r.point
    where p.kind = 'interval' and p.every_s >= $bill and r.quality < 3 and r.value is not null
) as g
left join calendar as c on c.slot = g.slot

-- name: volumes_read
-- A volume of an interval counts as it is; a flow holds until the next reading, for an hour or its slot at most. A bill
-- that reaches over an end of the interval is divided by time. What is summed up is rounded, here and below, to a
-- thousandth of a millilitre, so that the sum is the same in whatever order it comes.
with taken as (
    select r.point as point, p.kind as kind, r.time as time, r.value as value, p.every_s as every_s
    from readings as r
    join volume_paces as p on p.point = r.point
    where r.quality < 3 and r.value is not null
)
select point, sum(round(value * 1073741824) / 1073741824) as volume, sum(every_s) as held
from taken
where kind = 'interval' and every_s < $bill and time >= $since and time < $until
group by point
union all
select point, sum(round(value * inside / held * 1073741824) / 1073741824) as volume, sum(inside) as held
from (
    select point, value, held,
           least(begin + held, extract(epoch from $until)) - greatest(begin, extract(epoch from $since)) as inside
    from volume_bills
) as i
where inside > 0
group by point
union all
select point, sum(round(value * held / 3600 * 1073741824) / 1073741824) as volume, sum(held) as held
from (
    select point, value,
           least(extract(epoch from lead(time, 1, $until) over (partition by point order by time))
                 - extract(epoch from time), greatest(every_s, 3600)) as held
    from taken
    where kind <> 'interval' and time >= $since and time < $until
) as f
group by point

-- name: volumes_counted
-- What a register counted; a step over an end of the interval is divided by time.
select c.point as point, sum(round(c.amount * c.held / c.whole * 1073741824) / 1073741824) as volume, sum(c.held) as held
from (
    select c.point as point, c.amount as amount,
           extract(epoch from c.until) - extract(epoch from c.since) as whole,
           extract(epoch from least(c.until, $until)) - extract(epoch from greatest(c.since, $since)) as held
    from counted as c
    join volume_points as p on p.point = c.point
    where p.kind = 'counter' and c.amount is not null and c.until > $since and c.since < $until
) as c
group by c.point

-- name: bills_cut
-- Bills that reach over an end of the interval, from $long seconds on.
select point, value as amount, begin, begin + held as done
from volume_bills
where held >= $long
  and (begin < extract(epoch from $since) and begin + held > extract(epoch from $since)
       or begin < extract(epoch from $until) and begin + held > extract(epoch from $until))

-- name: steps_cut
-- What registers counted from one reading to the next over an end of the interval, from $long seconds on.
select c.point as point, c.amount as amount, extract(epoch from c.since) as begin, extract(epoch from c.until) as done
from counted as c
join volume_points as p on p.point = c.point
where p.kind = 'counter' and c.amount is not null
  and extract(epoch from c.until) - extract(epoch from c.since) >= $long
  and (c.since < $since and c.until > $since or c.since < $until and c.until > $until)

-- name: course_read
-- Mean of each inflow over each 24 hours from the begin of the interval on, before it too. Handed in: course_points(point, kind).
select r.point as point, cast(floor((extract(epoch from r.time) - extract(epoch from $since)) / 86400) as integer) as day,
       avg(round(r.value * 67108864) / 67108864) as rate
from readings as r
join course_points as p on p.point = r.point
where p.kind <> 'counter' and r.quality < 3 and r.value is not null
group by r.point, cast(floor((extract(epoch from r.time) - extract(epoch from $since)) / 86400) as integer)

-- name: course_counted
-- The same of registers.
select c.point as point, cast(floor((extract(epoch from c.since) - extract(epoch from $since)) / 86400) as integer) as day,
       sum(round(c.amount * 1073741824) / 1073741824) / sum(extract(epoch from c.until) - extract(epoch from c.since)) as rate
from counted as c
join course_points as p on p.point = c.point
where p.kind = 'counter' and c.amount is not null and c.until > c.since
  and extract(epoch from c.until) - extract(epoch from c.since) <= 100000
group by c.point, cast(floor((extract(epoch from c.since) - extract(epoch from $since)) / 86400) as integer)

-- name: mean_pressures
-- Mean pressure of each gauge over the interval [bar]. Handed in: head_points(point).
select r.point as point, avg(round(r.value * 67108864) / 67108864) as pressure
from readings as r
join head_points as p on p.point = r.point
where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
group by r.point

-- name: meter_days
-- What each meter showed in each 24 hours from the begin of the interval on, but for registers. Handed in:
-- doubted_points(point, kind); $since and $until in seconds.
select r.point as point, cast(floor((extract(epoch from r.time) - $since) / 86400) as integer) as day,
       count(*) as readings, avg(round(r.value * 67108864) / 67108864) as mean, min(r.value) as least, max(r.value) as most
from readings as r
join doubted_points as p on p.point = r.point
where p.kind <> 'counter' and r.quality < 3 and r.value is not null
  and extract(epoch from r.time) >= $since and extract(epoch from r.time) < $until
group by r.point, cast(floor((extract(epoch from r.time) - $since) / 86400) as integer)
