-- use: amounts
-- use: clocks
-- Use of each meter in windows of fixed length, and their place in the local calendar.

-- name: readings_of_use
-- What each reading adds, from when on, and for how many seconds.
create or replace view readings_of_use as
select o.meter as meter, o.at + to_microseconds(coalesce(k.early_us, 0)) as at, o.amount as amount,
       o.spread as spread, s.every_s as held
from amounts as o
join window_steps as s on s.meter = o.meter
left join clocks as k on k.point = o.meter
where o.amount is not null

-- name: cut
-- The same, readings of some meters cut at the edges of windows as if use were even. Handed in:
--   cut_meters(meter, size_us)
create or replace view cut_readings as
select p.meter as meter, make_timestamp(p.begin_us) as at,
       p.amount * (p.end_us - p.begin_us) / (p.until_us - p.since_us) as amount, p.spread as spread,
       p.held * (p.end_us - p.begin_us) / (p.until_us - p.since_us) as held
from (
    select t.meter as meter, t.amount as amount, t.spread as spread, t.held as held, t.since_us as since_us,
           t.until_us as until_us, greatest(t.since_us, t.edge_us) as begin_us,
           least(t.until_us, t.edge_us + t.size_us) as end_us
    from (
        select u.meter as meter, u.amount as amount, u.spread as spread, u.held as held, u.since_us as since_us,
               u.until_us as until_us, u.size_us as size_us,
               unnest(range(u.since_us // u.size_us, (u.until_us - 1) // u.size_us + 1)) * u.size_us as edge_us
        from (
            select r.meter as meter, r.amount as amount, r.spread as spread, r.held as held, c.size_us as size_us,
                   epoch_us(r.at) as since_us, epoch_us(r.at) + cast(round(1e6 * r.held) as bigint) as until_us
            from readings_of_use as r
            join cut_meters as c on c.meter = r.meter
        ) as u
    ) as t
) as p
union all
select r.meter as meter, r.at as at, r.amount as amount, r.spread as spread, r.held as held
from readings_of_use as r
where r.meter not in (select c.meter from cut_meters as c)

-- name: uncut
create or replace view cut_readings as
select r.meter as meter, r.at as at, r.amount as amount, r.spread as spread, r.held as held from readings_of_use as r

-- name: windows
-- Use in each window of $window minutes, by UTC; `held` is how many seconds of it were metered, `spread` for how many of
-- these a counter tells only the use of a gap as a whole.
create or replace table windows as
select a.meter as meter,
       date_trunc('hour', a.at)
         + cast(floor(extract(minute from a.at) / $window) * $window as integer) * interval '1' minute as at,
       sum(a.amount) as amount,
       sum(a.held) as held,
       sum(case when a.spread then a.held else 0 end) as spread
from cut_readings as a
group by a.meter, date_trunc('hour', a.at)
         + cast(floor(extract(minute from a.at) / $window) * $window as integer) * interval '1' minute

-- name: begins
-- The minutes of an hour at which readings begin.
select distinct w.meter as meter, cast(extract(minute from w.at) as integer) as minute from windows as w

-- name: spread
-- The same, where readings of some meters are longer than a window: spread evenly over all that they hold. Handed in:
--   spread_meters(meter, pieces)
create or replace table windows as
select p.meter as meter, p.at + p.place * $window * interval '1' minute as at, p.amount / p.pieces as amount,
       p.held / p.pieces as held, p.spread / p.pieces as spread
from (
    select w.meter as meter, w.at as at, w.amount as amount, w.held as held, w.spread as spread,
           coalesce(s.pieces, 1) as pieces, unnest(range(coalesce(s.pieces, 1))) as place
    from windows as w
    left join spread_meters as s on s.meter = w.meter
) as p

-- name: steps
-- The time between two readings: as city.yaml says, or the fullest hour of the meter, or, where an hour never has two,
-- its fullest day; of a meter that is read by the month, how many days lie between its reads, or in the interval.
create or replace table window_steps as
select p.meter as meter,
       coalesce(p.every_s, case when p.of_hour > 1 then 3600.0 / p.of_hour
                                when p.of_day = 1 and p.apart >= 20 then 86400.0 * p.apart
                                else 86400.0 / greatest(1, p.of_day) end) as every_s
from (
    select m.meter as meter, max(m.every_s) as every_s, max(d.of_hour) as of_hour, max(d.of_day) as of_day,
           case when count(d.day) > 1 then date_diff('day', min(d.day), max(d.day)) / (count(d.day) - 1.0)
                else $days end as apart
    from asked_meters as m
    left join (
        select h.meter as meter, date_trunc('day', h.hour) as day, max(h.readings) as of_hour, sum(h.readings) as of_day
        from (
            select a.meter as meter, date_trunc('hour', a.at) as hour, count(*) as readings
            from amounts as a
            group by a.meter, date_trunc('hour', a.at)
        ) as h
        group by h.meter, date_trunc('day', h.hour)
    ) as d on d.meter = m.meter
    group by m.meter
) as p

-- name: placed
-- Every window up to an instant with its place in the local calendar, meter by meter. The calendar knows half-hours of
-- UTC: in a zone that is 45 minutes off, a day ends within one.
create or replace table placed_windows as
with placed as (
    select w.meter as meter, w.at as at, w.amount as amount, w.held as held, w.spread as spread,
           c.local + (w.at - c.slot) as local
    from windows as w
    join calendar as c
      on c.slot = case when extract(minute from w.at) >= 30
                       then date_trunc('hour', w.at) + interval '30' minute
                       else date_trunc('hour', w.at) end
    where w.at < $until
),
days as (select c.day as day, bool_or(c.holiday) as holiday from calendar as c group by c.day)
select t.meter as meter, t.at as at, t.amount as amount, t.held as held, t.spread as spread,
       cast(extract(year from t.local) * 12 + extract(month from t.local) - 1 as integer) as month,
       cast(extract(hour from t.local) * 60 + extract(minute from t.local) as integer) as minute,
       cast(extract(isodow from t.local) - 1 as integer) as weekday,
       coalesce(d.holiday, false) as holiday, cast(t.local as date) as day
from placed as t
left join days as d on d.day = cast(t.local as date)
order by t.meter, t.at

-- name: local
-- The windows of one meter.
select t.at as at, t.amount as amount, t.held as held, t.spread as spread, t.month as month, t.minute as minute,
       t.weekday as weekday, t.holiday as holiday, t.day as day
from placed_windows as t
where t.meter = $meter
order by t.at

-- name: beside
-- The windows of a meter beside it, of reactive energy or of energy that went back, and the time between its readings.
select t.at as at, t.amount as amount, t.held as held, s.every_s as every_s
from placed_windows as t
join window_steps as s on s.meter = t.meter
where t.meter = $meter
order by t.at

-- name: steps_of
select meter, every_s from window_steps
