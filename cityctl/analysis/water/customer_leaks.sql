-- Continuous flow of customer meters, in two steps. Handed in: leak_meters(meter, kind, every_s,
-- pulse): the seconds between readings, and the finest step [m3] that is coarse.
-- Only readings of good quality start or clear anything. $clock: begin of an hour of the city's clock; $least: flow at
-- and below which an hour is without flow [m3/h].

-- name: half_amounts
-- First, of each half of a day from the interval's first whole hour on: the hours of it that had good readings, as bits (a set of them
-- costs as much as that of its values), and whether nothing stood still in them. 24 hours hold one such half at
-- least, so that no leak is lost, and nearly all meters end here.
select r.point as meter, cast(floor((extract(epoch from r.time) - $begin) / 43200) as integer) as half,
       bit_or(case when r.quality = 0 and r.value is not null
                   then 1 << (cast(floor((extract(epoch from r.time) - $begin) / 3600) as integer) % 12)
                   else 0 end) as hours,
       min(case when r.quality = 0 then r.value end) > 0
       and count(case when r.quality = 0 then 1 end) * max(m.every_s) >= 36000 as flowed
from readings as r
join leak_meters as m on m.meter = r.point
where m.kind <> 'counter' and m.every_s > 2700
group by r.point, cast(floor((extract(epoch from r.time) - $begin) / 43200) as integer)
union all
-- A finer meter may pause within an hour: it is summed up first.
select h.meter as meter, cast(floor(h.hour / 12) as integer) as half,
       bit_or(case when h.most is null then 0 else 1 << (h.hour % 12) end) as hours,
       min(h.most) > 0 and count(h.most) >= 10 as flowed
from (
    select r.point as meter, cast(floor((extract(epoch from r.time) - $begin) / 3600) as integer) as hour,
           max(case when r.quality = 0 then r.value end) as most
    from readings as r
    join leak_meters as m on m.meter = r.point
    where m.kind <> 'counter' and m.every_s <= 2700
    group by r.point, cast(floor((extract(epoch from r.time) - $begin) / 3600) as integer)
) as h
group by h.meter, cast(floor(h.hour / 12) as integer)

-- name: half_registers
-- A register that stood still for an hour shows fewer values than the half day has hours with a reading.
select h.meter as meter, h.half as half, h.hours as hours,
       h.shown >= bit_count(h.hours) and bit_count(h.hours) >= 8 as flowed
from (
    select r.point as meter, cast(floor((extract(epoch from r.time) - $begin) / 43200) as integer) as half,
           bit_or(case when r.quality = 0 and r.value is not null
                       then 1 << (cast(floor((extract(epoch from r.time) - $begin) / 3600) as integer) % 12)
                       else 0 end) as hours,
           count(distinct case when r.quality = 0 then r.value end) as shown
    from readings as r
    join leak_meters as m on m.meter = r.point
    where m.kind = 'counter'
    group by r.point, cast(floor((extract(epoch from r.time) - $begin) / 43200) as integer)
) as h

-- name: likely
-- The meters that are looked at closer.
select distinct meter from leak_halves where flowed

-- name: heard
-- How many meters had a reading, how many of them are read too rarely to show a leak, and how many of the others had
-- good readings in each of 24 hours on end: in two halves of a day.
select count(*) as heard, count(case when m.every_s > 5400 then 1 end) as rare,
       count(case when h.whole and (m.every_s is null or m.every_s <= 5400) then 1 end) as told
from (
    select b.meter as meter, bool_or(b.hours = 4095 and b.before = 4095) as whole
    from (
        select meter, hours,
               case when lag(half) over halves = half - 1 then lag(hours) over halves end as before
        from leak_halves
        window halves as (partition by meter order by half)
    ) as b
    group by b.meter
) as h
join leak_meters as m on m.meter = h.meter

-- name: amount_steps
-- Then, of those meters alone, each step of good readings: an amount or a flow over its slot ...
select r.point as meter, r.time as since, m.every_s as held,
       case when m.kind = 'interval' then r.value else r.value * m.every_s / 3600 end as amount
from readings as r
join likely_meters as l on l.meter = r.point
join leak_meters as m on m.meter = r.point
where m.kind <> 'counter' and r.quality = 0 and r.value is not null

-- name: register_steps
-- ... or what a register counted from one reading to the next.
select c.point as meter, c.since as since, extract(epoch from c.until) - extract(epoch from c.since) as held,
       c.amount as amount
from counted as c
join likely_meters as l on l.meter = c.point
where c.quality = 0 and c.amount is not null
union all
-- A register that ran back for an hour, by no more than it usually rises, let nothing through: what it counted then is
-- not known to the store.
select b.point as point, b.since as since, b.held as held, 0.0 as amount
from (
    select s.point as point, s.since as since, s.held as held, s.rise as rise,
           quantile_cont(case when s.rise > 0 then s.rise end, 0.95) over (partition by s.point) as usual
    from (
        select r.point as point, lag(r.time) over by_time as since,
               extract(epoch from r.time) - extract(epoch from lag(r.time) over by_time) as held,
               r.value - lag(r.value) over by_time as rise
        from readings as r
        join counters as l on l.point = r.point
        where r.quality = 0 and r.value is not null
        window by_time as (partition by r.point order by r.time)
    ) as s
) as b
where b.rise < 0 and -b.rise <= b.usual and b.held between 2700 and 5400

-- name: all_counters
create or replace table all_counters as
select * from counters

-- name: likely_counters
-- The store's view `counted` works on what `counters` names: the likely ones are enough.
create or replace table counters as
select c.*
from all_counters as c
join likely_meters as l on l.meter = c.point

-- name: hours
-- What is known of each hour of the city's clock: its flow, and whether it flowed or stood still. A step longer than an hour and a half
-- tells nothing but that all of it stood still. Of steps of about an hour that begin in the same hour the smallest
-- counts; finer ones are taken together.
create or replace table leak_hours as
select h.meter as meter, h.hour as hour, h.since as since, h.held as held, h.flow as flow,
       case when h.flow > $least then 1 else 0 end as flowed,
       case when h.flow <= $least and h.held >= 2700 then 1 else 0 end as stood
from (
    select s.meter as meter, time_bucket(interval '1' hour, s.since, $clock) as hour, min(s.since) as since, sum(s.held) as held,
           case when max(s.held) >= 2700 then min(case when s.held >= 2700 then s.amount * 3600 / s.held end)
                else sum(s.amount) * 3600 / sum(s.held) end as flow
    from leak_steps as s
    where s.held > 0 and (s.held <= 5400 or s.amount <= $least * s.held / 3600)
    group by s.meter, time_bucket(interval '1' hour, s.since, $clock)
) as h

-- name: unsent
-- Of meters that send nothing while nothing flows: the hours between two that they sent stood still. Registers tell that
-- by their next reading.
insert into leak_hours
select g.meter as meter, g.hour + interval '1' hour as hour, g.hour + interval '1' hour as since,
       extract(epoch from g.next) - extract(epoch from g.hour) - 3600 as held, 0.0 as flow, 0 as flowed, 1 as stood
from (
    select h.meter as meter, h.hour as hour, lead(h.hour) over (partition by h.meter order by h.hour) as next
    from leak_hours as h
    join leak_meters as m on m.meter = h.meter
    where m.kind <> 'counter'
) as g
where g.next > g.hour + interval '1' hour

-- name: spans
-- The hours that flowed, numbered by how often it stood still before, with the time known to flow in 24 hours.
create or replace table leak_spans as
select h.meter as meter, h.span as span, h.hour as hour, h.flow as flow, h.held as held,
       sum(greatest(h.held, 3600)) over day as in_a_day, min(h.since) over day as day_start
from (
    select meter, hour, since, held, flow, flowed,
           sum(stood) over (partition by meter order by hour rows unbounded preceding) as span
    from leak_hours
) as h
where h.flowed = 1
window day as (partition by h.meter, h.span order by h.hour
               range between interval '23' hour preceding and current row)

-- name: runs
-- A leak: 24 hours on end that all flowed, until the first hour that stood still. Hours that are not known neither
-- start nor end it. In its first day ($edge seconds), and in its last where it is over, the household's own use may
-- have filled hours: before it began, and after it was mended. A day is left at least.
create or replace table leak_runs as
select w.meter as meter, w.span as span, w.since as since, w.last_known as last_known, w.until as until,
       w.first + w.left_out as first, w.done - case when w.until is null then 0 else w.left_out end as done
from (
    select l.meter as meter, l.span as span, l.since as since, l.last_known as last_known, l.until as until,
           l.first as first, l.done as done,
           least($edge, greatest(0, l.done - l.first - 86400) / case when l.until is null then 1 else 2 end) as left_out
    from (
        select k.meter as meter, k.span as span, k.since as since, k.last_known as last_known, min(e.since) as until,
               extract(epoch from time_bucket(interval '1' hour, k.since, $clock)) as first,
               extract(epoch from k.last_known) + 3600 as done
        from (
            select f.meter as meter, f.span as span, f.since as since, max(s.hour) as last_known
            from (
                select meter, span, min(day_start) as since
                from leak_spans
                where in_a_day >= 85500
                group by meter, span
            ) as f
            join leak_spans as s on s.meter = f.meter and s.span = f.span
            group by f.meter, f.span, f.since
        ) as k
        left join leak_hours as e on e.meter = k.meter and e.stood = 1 and e.hour > k.last_known
        group by k.meter, k.span, k.since, k.last_known
    ) as l
) as w

-- name: leaks
-- The rate of each is that of the smallest hour between its first and its last day. One that is known as a whole goes
-- before one of which most is: a litre of a register is much of the flow of ten minutes, and the last hour of a
-- register lacks its last step. An hour of which less is known holds that at least.
select r.meter as meter, r.since as since,
       coalesce(min(case when s.held >= 3500 and s.inside then s.flow end),
                min(case when s.held >= 2700 and s.inside then s.flow end),
                min(case when s.held >= 3500 then s.flow end), min(case when s.held >= 2700 then s.flow end),
                min(s.flow * least(s.held, 3600) / 3600)) as rate,
       r.last_known as last_known, r.until as until
from leak_runs as r
join (
    select t.meter as meter, t.span as span, t.hour as hour, t.flow as flow, t.held as held,
           extract(epoch from t.hour) >= u.first and extract(epoch from t.hour) < u.done as inside
    from leak_spans as t
    join leak_runs as u on u.meter = t.meter and u.span = t.span
    where t.hour >= time_bucket(interval '1' hour, u.since, $clock)
) as s on s.meter = r.meter and s.span = r.span
group by r.meter, r.since, r.last_known, r.until
order by 1, 2

-- name: fullest
-- Seconds between readings of the meters of which city.yaml does not say it, by their fullest day.
select d.meter as meter, 86400.0 / max(d.readings) as every_s
from (
    select r.point as meter, date_trunc('day', r.time) as day, count(*) as readings
    from readings as r
    join leak_meters as m on m.meter = r.point
    where m.every_s is null and m.kind <> 'counter'
    group by r.point, date_trunc('day', r.time)
) as d
group by d.meter

-- name: coarse
-- How many meters count in coarse steps [m3], told from a few days: all that they show there is a multiple of the step,
-- and twenty steps at least say so.
select case when h.hundreds and h.told >= coalesce(h.rise * 100, 20) then 100 * h.pulse
            when h.tens and h.told >= coalesce(h.rise * 10, 20) then 10 * h.pulse
            when h.whole and h.told >= coalesce(h.rise, 20) then h.pulse end as step,
       count(*) as meters
from (
    select w.meter as meter, max(w.pulse) as pulse, bool_and(abs(w.steps - round(w.steps)) < 0.001) as whole,
           bool_and(round(w.steps) % 10 = 0) as tens, bool_and(round(w.steps) % 100 = 0) as hundreds,
           case when max(w.kind) = 'counter' then max(w.steps) - min(w.steps)
                else count(case when w.steps > 0.5 then 1 end) end as told,
           case when max(w.kind) = 'counter' then 20.0 end as rise
    from (
        select r.point as meter, m.kind as kind, m.pulse as pulse, r.value / m.pulse as steps
        from readings as r
        join leak_meters as m on m.meter = r.point
        where m.pulse is not null and r.quality = 0 and r.time >= $since
    ) as w
    group by w.meter
) as h
group by 1
order by 1
