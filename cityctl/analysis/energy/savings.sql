-- use: amounts
-- use: clocks
-- Savings of all meters at once. Handed in by saving/baseline.py:
--   savings_meters(meter, kind, every_s, temperature, daily_weather, zeros_missing, cooling, first_day,
--                  intervention, reporting, until, chunk, early_us)   the last as of clocks.sql
--   savings_days(day, seconds, cell)   every local day that lies wholly within the readings' window; `cell` says
--                  which part of the baseline's model a day belongs to (0 for all where there is one part)
--   savings_grid(bin)   29 to 90, the thresholds of CalTRACK 2.0 [degF] and one below
--   savings_parts(meter, cell, heating, cooling, beta_heating, beta_cooling, intercept, heating_bend,
--                  cooling_bend)   by the methods that are fitted in numpy; CalTRACK 2.0 is fitted here
-- A day belongs to the baseline in [first_day, intervention) and to the reporting period in [reporting, until).

-- name: begin_use
create or replace table savings_use (
    meter varchar, day date, readings bigint, zeros bigint, amount double, negatives bigint
)

-- name: use
-- The meters from $first to $last: all at once would take memory for each of their readings. A half-hour of UTC
-- belongs to one local day, so a small join replaces converting every reading.
insert into savings_use
select a.meter as meter, c.day as day,
       count(case when not a.missing then 1 end) as readings,
       count(case when a.missing then 1 end) as zeros,
       sum(case when not a.missing then a.amount end) as amount,
       count(case when a.amount < 0 then 1 end) as negatives
from (
    select o.meter as meter, o.at + to_microseconds(m.early_us) as at, o.amount as amount,
           m.zeros_missing and o.amount = 0 as missing
    from amounts as o
    join savings_meters as m on m.meter = o.meter
    where o.amount is not null and o.meter >= $first and o.meter <= $last
) as a
join calendar as c
  on c.slot = case when extract(minute from a.at) >= 30
                   then date_trunc('hour', a.at) + interval '30' minute
                   else date_trunc('hour', a.at) end
group by a.meter, c.day

-- name: at_rest
-- Days on which readings of 0 are a load at rest, and none is missing: lamps by day, pumps between two runs, a building
-- that its own PV feeds at noon. A register that stands still and goes on the same day has counted nothing. Amounts and
-- powers that are 0 may be missing: they rest where a month has five or more such days and reads 0 for $rest of its
-- readings or more, days of nothing but 0 apart.
create or replace table savings_at_rest as
select w.meter as meter, w.day as day
from (
    select u.meter as meter, u.day as day, u.zeros as zeros, m.kind as kind,
           count(case when u.zeros > 0 then 1 end) over of_month as days,
           sum(u.zeros) over of_month / sum(u.readings + u.zeros) over of_month as share
    from savings_use as u
    join savings_meters as m on m.meter = u.meter
    where u.readings > 0
    window of_month as (partition by u.meter, date_trunc('month', u.day))
) as w
where w.zeros > 0 and (w.kind = 'counter' or (w.days >= 5 and w.share >= $rest))

-- name: rested
update savings_use as u set readings = u.readings + u.zeros, zeros = 0
from savings_at_rest as r where r.meter = u.meter and r.day = u.day

-- name: steps
-- The time between two readings: as city.yaml says, or from the meter's fullest day of 24 hours (that of 25 holds one
-- hour's more); of a meter that is read by the month, from how many days lie between its reads.
create or replace table steps as
select m.meter as meter,
       case when count(u.day) > 2 and max(u.day) - min(u.day) >= 20 * (count(u.day) - 1)
            then 86400.0 * (max(u.day) - min(u.day)) / (count(u.day) - 1)
            else coalesce(max(m.every_s), 86400.0 / max(case when s.seconds = 86400 then u.readings end),
                          86400.0 / max(u.readings), 86400.0) end as every_s
from savings_meters as m
left join savings_use as u on u.meter = m.meter and u.readings > 0
left join savings_days as s on s.day = u.day
group by m.meter

-- name: solstices
-- Mean temperatures of December to February and of June to August.
select avg(case when extract(month from r.time) in (12, 1, 2) then r.value end) as december,
       avg(case when extract(month from r.time) in (6, 7, 8) then r.value end) as june
from readings as r
where r.point in (select temperature from savings_meters) and r.quality < 3

-- name: sky
-- Readings of the outdoor temperatures.
create or replace view savings_sky as
select r.point as point, r.time + to_microseconds(coalesce(k.early_us, 0)) as time, r.value as value
from readings as r
left join clocks as k on k.point = r.point
where r.point in (select temperature from savings_meters) and r.quality < 3 and r.value is not null

-- name: weather
-- Daily means of hourly means [degF]; a day needs half of its hours. Of the autumn day of 25 hours the first 24
-- count, as in eemeter: models fitted beside it agree.
create or replace table savings_weather as
select h.temperature as temperature, h.day as day,
       avg(h.degree_c) * 1.8 + 32 as degree_f, count(*) as hours
from (
    select r.point as temperature, c.day as day, date_trunc('hour', r.time) as hour, avg(r.value) as degree_c
    from savings_sky as r
    join calendar as c
      on c.slot = case when extract(minute from r.time) >= 30
                       then date_trunc('hour', r.time) + interval '30' minute
                       else date_trunc('hour', r.time) end
    left join savings_days as s on s.day = c.day
    where not coalesce(s.seconds > 86400 and c.minute >= 1380, false)
    group by r.point, c.day, date_trunc('hour', r.time)
) as h
group by h.temperature, h.day

-- name: daily
-- A day made from hours needs half of them; the rest is filled with the day's mean (CalTRACK 2.0, 2.2.3).
-- `y` [kWh or m3] and `t` [degF] are null where a day is no evidence. `length` [d] is 23/24 and 25/24 where the clocks
-- change: models are of use a day, y / length.
create or replace table savings_daily as
select d.meter as meter, d.day as day, d.cell as cell, d.reporting as reporting, d.negatives as negatives,
       d.zeros as zeros, d.present as present, d.seconds / 86400.0 as length,
       case when d.present >= $least_share then d.amount / least(1.0, d.present) end as y,
       case when d.hours >= 0.5 * d.seconds / 3600 or d.weather_step then d.degree_f end as t
from (
    select m.meter as meter, s.day as day, s.seconds as seconds, s.cell as cell,
           s.day >= m.intervention as reporting,
           coalesce(u.negatives, 0) as negatives, coalesce(u.zeros, 0) as zeros,
           u.amount as amount,
           case when p.every_s >= 43200 then case when u.readings >= 1 then 1.0 else 0.0 end
                else coalesce(u.readings, 0) * p.every_s / s.seconds end as present,
           w.degree_f as degree_f, w.hours as hours,
           m.daily_weather as weather_step
    from savings_meters as m
    join steps as p on p.meter = m.meter
    join savings_days as s on s.day >= m.first_day and s.day < m.until
      and (s.day < m.intervention or s.day >= m.reporting)
    left join savings_use as u on u.meter = m.meter and u.day = s.day
    left join savings_weather as w on w.temperature = m.temperature and w.day = s.day
) as d

-- name: begin_drivers
create or replace table savings_driver_days (point varchar, day date, value double);
create or replace table savings_undriven (meter varchar, day date)

-- name: driver_days
-- What drives a use, by local day: the mean of a gauge or a state, the sum of amounts, of which half of the day has to be
-- known. Handed in: savings_drivers(meter, place, point, kind, every_s).
insert into savings_driver_days
select w.point as point, s.day as day,
       case when w.kind = 'interval' then sum(r.value) / case when w.every_s < 43200
                                                              then least(1.0, count(*) * w.every_s / s.seconds)
                                                              else 1.0 end
            else avg(r.value) end as value
from readings as r
join (select distinct point, kind, coalesce(every_s, 86400.0) as every_s from savings_drivers
      where kind <> 'counter') as w on w.point = r.point
join calendar as c
  on c.slot = case when extract(minute from r.time) >= 30
                   then date_trunc('hour', r.time) + interval '30' minute
                   else date_trunc('hour', r.time) end
join savings_days as s on s.day = c.day
where r.quality < 3 and r.value is not null
group by w.point, w.kind, w.every_s, s.day, s.seconds
having count(*) * w.every_s >= 0.5 * s.seconds

-- name: driver_counts
insert into savings_driver_days
select k.point as point, c.day as day, sum(k.amount) as value
from counted as k
join (select distinct point from savings_drivers where kind = 'counter') as w on w.point = k.point
join calendar as c
  on c.slot = case when extract(minute from k.since) >= 30
                   then date_trunc('hour', k.since) + interval '30' minute
                   else date_trunc('hour', k.since) end
where k.quality < 3 and k.until <= k.since + interval '26' hour
group by k.point, c.day

-- name: undriven
-- Days with use of which a driver is not known.
insert into savings_undriven
select d.meter as meter, d.day as day
from savings_daily as d
join savings_drivers as k on k.meter = d.meter
left join savings_driver_days as v on v.point = k.point and v.day = d.day
where d.y is not null and v.value is null
group by d.meter, d.day

-- name: without_undriven
update savings_daily as d set y = null from savings_undriven as u where u.meter = d.meter and u.day = d.day

-- name: driven_days
select d.meter as meter, d.day as at, d.cell as cell, d.reporting as reporting, d.y / d.length as y, d.t as t,
       v.value as value
from savings_daily as d
join savings_drivers as k on k.meter = d.meter
join savings_driver_days as v on v.point = k.point and v.day = d.day
where d.y is not null
order by d.meter, d.day, k.place

-- name: other_models
delete from savings_models where meter in (select meter from savings_driven_models)

-- name: driven_models
insert into savings_models
select meter, model, heating, cooling, beta_heating, beta_cooling, intercept, r2_adj, candidates, terms, null, null,
       null, null, null
from savings_driven_models
where model is not null

-- name: struck
-- Days before the measure on which something lasted that city.yaml states (savings_stated): the model is to know the
-- building without it.
create or replace table savings_struck as
select distinct s.meter as meter, c.day as day
from savings_stated as s
join savings_meters as m on m.meter = s.meter
join savings_days as c on c.day >= s.first_day and c.day <= s.last_day and c.day < m.intervention

-- name: left_out
-- How many of them lie in the $days days that make the baseline.
select s.meter as meter, count(*) as days
from savings_struck as s
join savings_meters as m on m.meter = s.meter
where s.day >= m.intervention - cast($days as integer)
group by s.meter

-- name: without_struck
update savings_daily as d set y = null from savings_struck as s where s.meter = d.meter and s.day = d.day

-- name: adjusted
-- What is expected in addition of the days since the measure.
create or replace table savings_adjusted as
select s.meter as meter, c.day as day, sum(s.kwh * c.seconds / 86400.0) as kwh
from savings_stated as s
join savings_meters as m on m.meter = s.meter
join savings_days as c on c.day >= s.first_day and c.day <= s.last_day and c.day >= m.intervention
where s.kwh is not null
group by s.meter, c.day

-- name: adjust
update savings_predicted as p set expected = p.expected + a.kwh
from (
    select p.meter as meter, p.day as day, sum(a.kwh) as kwh
    from savings_predicted as p
    join savings_adjusted as a
      on a.meter = p.meter and a.day >= p.day and a.day < p.day + cast(p.days as integer)
    where p.reporting
    group by p.meter, p.day
) as a
where a.meter = p.meter and a.day = p.day

-- name: added
select p.meter, sum(a.kwh)
from savings_kept as p
join savings_adjusted as a
  on a.meter = p.meter and a.day >= p.day and a.day < p.day + cast(p.days as integer)
where p.reporting
group by p.meter

-- name: totals
-- n, sums and range of the baseline of each meter.
create or replace table savings_totals as
select meter,
       count(case when not reporting then 1 end) as baseline_days,
       count(case when not reporting and y is not null then 1 end) as used_days,
       count(case when not reporting and t is not null then 1 end) as weather_days,
       count(case when reporting then 1 end) as reporting_days,
       count(case when reporting and y is not null and t is not null then 1 end) as compared_days,
       cast(sum(case when not reporting then negatives else 0 end) as bigint) as baseline_negatives,
       cast(sum(case when reporting then negatives else 0 end) as bigint) as reporting_negatives,
       cast(count(case when not reporting and y is not null and t is not null then 1 end) as double) as n,
       sum(case when not reporting and t is not null then y end) as used,
       sum(case when not reporting and t is not null then y / length end) as sy,
       sum(case when not reporting and t is not null then y * y / (length * length) end) as syy,
       min(case when not reporting and y is not null then t end) as coldest,
       max(case when not reporting and y is not null then t end) as warmest
from savings_daily
group by meter

-- name: gaps
-- What the days of each meter lack: readings of 0 that count as missing, days that are filled with their mean, and
-- days with too few readings, with none, or without weather.
select d.meter as meter, cast(sum(d.zeros) as bigint) as zeros,
       count(case when d.y is not null and d.present < $whole then 1 end) as filled,
       count(case when d.y is null and d.present > 0 and u.day is null and k.day is null then 1 end) as half_empty,
       count(case when d.present = 0 then 1 end) as silent,
       count(case when d.y is not null and d.t is null then 1 end) as without_weather
from savings_daily as d
left join savings_undriven as u on u.meter = d.meter and u.day = d.day
left join savings_struck as k on k.meter = d.meter and k.day = d.day
group by d.meter

-- name: bins
-- All T below 30 degF fall into bin 29 and all from 90 on into bin 90: the grid's ends need no more.
create or replace table savings_bins as
select g.meter as meter, g.bin as bin,
       coalesce(sum(b.n) over below, 0) as n_below, coalesce(sum(b.st) over below, 0) as st_below,
       coalesce(sum(b.stt) over below, 0) as stt_below, coalesce(sum(b.sy) over below, 0) as sy_below,
       coalesce(sum(b.sty) over below, 0) as sty_below,
       coalesce(sum(b.n) over above, 0) as n_above, coalesce(b.whole, 0) as n_at,
       coalesce(sum(b.st) over above, 0) as st_above,
       coalesce(sum(b.stt) over above, 0) as stt_above, coalesce(sum(b.sy) over above, 0) as sy_above,
       coalesce(sum(b.sty) over above, 0) as sty_above
from (
    select m.meter as meter, r.bin as bin
    from savings_meters as m
    cross join savings_grid as r
) as g
left join (
    select meter, greatest(29, least(90, cast(floor(t) as integer))) as bin,
           count(*) as n, sum(t) as st, sum(t * t) as stt, sum(y / length) as sy, sum(t * y / length) as sty,
           count(case when t = floor(t) then 1 end) as whole
    from savings_daily
    where not reporting and y is not null and t is not null
    group by meter, greatest(29, least(90, cast(floor(t) as integer)))
) as b on b.meter = g.meter and b.bin = g.bin
window below as (partition by g.meter order by g.bin rows between unbounded preceding and 1 preceding),
       above as (partition by g.meter order by g.bin rows between current row and unbounded following)

-- name: degree_days
-- Centred sums of heating and of cooling degree days at each threshold that has enough of them
-- (CalTRACK 2.0, 3.2.2: 10 days that are not zero, 20 degree days in all).
create or replace table savings_degree_days as
select b.meter as meter, false as cooling, b.bin as threshold,
       b.bin * b.n_below - b.st_below as sx,
       (b.bin * b.bin * b.n_below - 2.0 * b.bin * b.st_below + b.stt_below)
         - power(b.bin * b.n_below - b.st_below, 2) / t.n as sxx,
       (b.bin * b.sy_below - b.sty_below) - (b.bin * b.n_below - b.st_below) * t.sy / t.n as sxy
from savings_bins as b
join savings_totals as t on t.meter = b.meter
where b.bin >= 30 and b.n_below >= 10 and b.bin * b.n_below - b.st_below >= 20
union all
select b.meter as meter, true as cooling, b.bin as threshold,
       b.st_above - b.bin * b.n_above as sx,
       (b.stt_above - 2.0 * b.bin * b.st_above + b.bin * b.bin * b.n_above)
         - power(b.st_above - b.bin * b.n_above, 2) / t.n as sxx,
       (b.sty_above - b.bin * b.sy_above) - (b.st_above - b.bin * b.n_above) * t.sy / t.n as sxy
from savings_bins as b
join savings_totals as t on t.meter = b.meter
join savings_meters as m on m.meter = b.meter
where m.cooling and b.bin >= 30
  and b.n_above - b.n_at >= 10 and b.st_above - b.bin * b.n_above >= 20

-- name: begin_models
create or replace table savings_models (
    meter varchar, model varchar, heating double, cooling double,
    beta_heating double, beta_cooling double, intercept double, r2_adj double, candidates bigint, terms integer,
    own_cvrmse double, own_cvrmse_reporting double, own_error double, heating_bend double, cooling_bend double
)

-- name: models
-- T_H <= T_C makes HDD x CDD = 0, so that each pair of thresholds is a 2x2 system of single-threshold sums.
-- Thresholds beyond every day's temperature fit alike but for the last digits (`warm` and `cold` bring them
-- together): the lowest of them is taken.
insert into savings_models
with fits as (
    select t.meter as meter, 0 as terms, cast(null as integer) as heating, cast(null as integer) as cooling,
           0.0 as beta_heating, 0.0 as beta_cooling, t.sy / t.n as intercept, 0.0 as r2_adj
    from savings_totals as t
    join savings_meters as m on m.meter = t.meter
    where m.chunk = $chunk and t.n >= 3
    union all
    select f.meter as meter, 1 as terms,
           case when f.cooling then null else f.threshold end as heating,
           case when f.cooling then f.threshold end as cooling,
           case when f.cooling then 0.0 else f.sxy / f.sxx end as beta_heating,
           case when f.cooling then f.sxy / f.sxx else 0.0 end as beta_cooling,
           (t.sy - f.sxy / f.sxx * f.sx) / t.n as intercept,
           1 - (1 - f.sxy * f.sxy / f.sxx / (t.syy - t.sy * t.sy / t.n)) * (t.n - 1) / (t.n - 2) as r2_adj
    from savings_degree_days as f
    join savings_totals as t on t.meter = f.meter
    join savings_meters as m on m.meter = f.meter
    where m.chunk = $chunk and f.sxx > 0 and t.syy - t.sy * t.sy / t.n > 0
    union all
    select p.meter as meter, 2 as terms, p.heating as heating, p.cooling as cooling,
           (p.hy * p.cc - p.cy * p.hc) / p.det as beta_heating,
           (p.cy * p.hh - p.hy * p.hc) / p.det as beta_cooling,
           (p.sy - (p.hy * p.cc - p.cy * p.hc) / p.det * p.h
                 - (p.cy * p.hh - p.hy * p.hc) / p.det * p.c) / p.n as intercept,
           1 - (1 - ((p.hy * p.cc - p.cy * p.hc) * p.hy + (p.cy * p.hh - p.hy * p.hc) * p.cy) / p.det / p.yy)
               * (p.n - 1) / (p.n - 3) as r2_adj
    from (
        select h.meter as meter, h.threshold as heating, c.threshold as cooling,
               h.sx as h, c.sx as c, h.sxx as hh, c.sxx as cc, h.sxy as hy, c.sxy as cy,
               - h.sx * c.sx / t.n as hc,
               h.sxx * c.sxx - power(h.sx * c.sx / t.n, 2) as det,
               t.n as n, t.sy as sy, t.syy - t.sy * t.sy / t.n as yy
        from savings_degree_days as h
        join savings_degree_days as c on c.meter = h.meter and c.threshold >= h.threshold and c.cooling
        join savings_totals as t on t.meter = h.meter
        join savings_meters as m on m.meter = h.meter
        where m.chunk = $chunk and not h.cooling
    ) as p
    where p.det > 0 and p.yy > 0
),
qualified as (
    -- A base of nothing may come out a rounding error below 0.
    select f.*, coalesce(least(f.heating, cast(ceil(t.warmest) as integer)), 0) as warm,
           coalesce(greatest(f.cooling, cast(floor(t.coldest) as integer)), 0) as cold
    from fits as f
    join savings_totals as t on t.meter = f.meter
    where f.terms = 0
       or (f.intercept >= -1e-9 * abs(t.sy / t.n)
           and (f.heating is null or f.beta_heating > 0) and (f.cooling is null or f.beta_cooling > 0))
),
best as (
    select meter, max(r2_adj) as r2_adj, count(*) as candidates from qualified group by meter
),
highest as (
    select q.meter as meter, q.terms as terms, q.warm as warm, q.cold as cold, b.candidates as candidates,
           row_number() over (partition by q.meter order by q.terms, q.heating, q.cooling) as place
    from qualified as q
    join best as b on b.meter = q.meter and b.r2_adj = q.r2_adj
)
select meter, model, heating, cooling, beta_heating, beta_cooling, intercept, r2_adj, candidates, terms, null, null,
       null, null, null
from (
    select q.*, b.candidates as candidates,
           case when q.heating is null and q.cooling is null then 'intercept only'
                when q.cooling is null then 'heating'
                when q.heating is null then 'cooling'
                else 'heating and cooling' end as model,
           row_number() over (partition by q.meter order by q.heating, q.cooling) as place
    from qualified as q
    join highest as b on b.place = 1 and b.meter = q.meter and b.terms = q.terms and b.warm = q.warm
      and b.cold = q.cold
) as ranked
where place = 1

-- name: one_part
-- A CalTRACK 2.0 model holds on all days.
create or replace view savings_parts as
select meter, 0 as cell, heating, cooling, beta_heating, beta_cooling, intercept, heating_bend, cooling_bend,
       cast(null as varchar) as part
from savings_models

-- name: predicted
-- Use as the baseline's model expects it, day by day; `beyond`: colder or warmer than any baseline day.
create or replace table savings_predicted as
select d.meter as meter, d.day as day, 1 as days, d.reporting as reporting, d.y as y, d.t as t,
       d.length * (d.intercept + coalesce(v.use, 0)
         + d.beta_heating * (d.below + case when d.heating_bend > 0
                                            then d.heating_bend * (exp(- d.below / d.heating_bend) - 1) else 0 end)
         + d.beta_cooling * (d.above + case when d.cooling_bend > 0
                                            then d.cooling_bend * (exp(- d.above / d.cooling_bend) - 1) else 0 end)
       ) as expected,
       d.t < t.coldest or d.t > t.warmest or coalesce(v.beyond, false) as beyond
from (
    select s.meter as meter, s.day as day, s.reporting as reporting, s.y as y, s.t as t, s.length as length,
           p.intercept as intercept, p.beta_heating as beta_heating, p.beta_cooling as beta_cooling,
           p.heating_bend as heating_bend, p.cooling_bend as cooling_bend,
           greatest(coalesce(p.heating + coalesce(p.heating_bend, 0), 0) - s.t, 0) as below,
           greatest(s.t - coalesce(p.cooling - coalesce(p.cooling_bend, 0), 0), 0) as above
    from savings_daily as s
    join savings_parts as p on p.meter = s.meter and p.cell = s.cell
) as d
join savings_totals as t on t.meter = d.meter
left join savings_driven as v on v.meter = d.meter and v.day = d.day
where d.y is not null and d.t is not null

-- name: billed_days
-- The days of the meters from $first to $last that are read by the day or finer, as the model of their bills expects
-- them: they tell a shutdown to the day.
select d.meter as meter, d.day as day, d.reporting as reporting, d.y as y, d.t as t,
       d.length * (m.intercept + m.beta_heating * greatest(coalesce(m.heating, 0) - d.t, 0)
                   + m.beta_cooling * greatest(d.t - coalesce(m.cooling, 0), 0)) + coalesce(a.kwh, 0)
         + d.length * coalesce(v.use, 0) as expected,
       d.t < min(case when not d.reporting then d.t end) over (partition by d.meter)
         or d.t > max(case when not d.reporting then d.t end) over (partition by d.meter) as beyond
from savings_daily as d
join savings_models as m on m.meter = d.meter
join steps as s on s.meter = d.meter and s.every_s <= 864000
left join savings_adjusted as a on a.meter = d.meter and a.day = d.day
left join savings_struck as k on k.meter = d.meter and k.day = d.day
left join (
    select o.meter as meter, v.day as day, sum(o.beta * (v.value - o.mean)) as use
    from savings_causes as o
    join savings_drivers as w on w.meter = o.meter and w.point = o.driver and coalesce(w.every_s, 0) <= 86400
    join savings_driver_days as v on v.point = o.driver
    group by o.meter, v.day
) as v on v.meter = d.meter and v.day = d.day
where k.day is null and d.y is not null and d.t is not null and d.meter >= $first and d.meter <= $last
order by d.meter, d.day

-- name: without_shutdowns
-- Days, or bills, in which a shutdown lies: neither used nor expected.
create or replace table savings_kept as
select p.* from savings_predicted as p
left join savings_apart as a on a.meter = p.meter and p.reporting
  and p.day + cast(p.days as integer) > a.first_day and p.day <= a.last_day
where a.meter is null

-- name: priced
-- Compared days, or bills, as they are priced: what the model misses on a day of the week, or on holidays, it missed
-- before the measure too, and it is no saving of dear or cheap days. It is shared out among all, and the sum stays.
create or replace view savings_priced as
with calendar_days as (
    select c.day as day, case when bool_or(c.holiday) then 0 else extract(isodow from c.day) end as kind
    from calendar as c
    group by c.day
),
missed as (
    select p.meter as meter, c.kind as kind, avg(p.expected - p.y) as kwh
    from savings_kept as p
    join calendar_days as c on c.day = p.day
    where not p.reporting and p.days = 1
    group by p.meter, c.kind
)
select p.meter as meter, p.day as day, p.days as days, p.y as y,
       p.expected - coalesce(m.kwh, 0) + avg(coalesce(m.kwh, 0)) over (partition by p.meter) as expected
from savings_kept as p
left join calendar_days as c on c.day = p.day and p.days = 1
left join missed as m on m.meter = p.meter and m.kind = c.kind
where p.reporting

-- name: outcome
-- One row a meter: the model, how well it fits, and what was used and expected after the intervention. A day is
-- idle that reads 0 where more was expected than the baseline scatters: no season is so quiet by itself.
select m.meter, m.model, m.heating, m.cooling, m.beta_heating, m.beta_cooling, m.intercept, m.r2_adj,
       m.candidates, m.terms, m.own_cvrmse, m.own_cvrmse_reporting, m.own_error, m.heating_bend, m.cooling_bend,
       e.n, e.mean, e.sse, e.bias, e.rho, e.extreme, e.idle_baseline, e.idle_baseline_share,
       p.observed, p.expected, p.rows, p.days, p.beyond, p.reporting_sse, p.idle, p.idle_share, p.idle_since
from savings_models as m
join (
    select r.meter as meter, count(*) as n, min(q.mean) as mean,
           sum(r.residual * r.residual) as sse, sum(r.residual) as bias,
           corr(r.residual, r.previous) as rho,
           count(case when r.y > q.median + 3 * (q.q3 - q.q1) and q.q3 > q.q1 then 1 end) as extreme,
           count(case when r.y <= 0 and r.expected > greatest(0.25 * q.mean, 2 * q.rmse) then 1 end) as idle_baseline,
           sum(case when r.y <= 0 and r.expected > greatest(0.25 * q.mean, 2 * q.rmse) then r.expected else 0 end)
             / sum(r.y) as idle_baseline_share
    from (
        select meter, y, expected, y - expected as residual,
               lag(y - expected) over (partition by meter order by day) as previous
        from savings_kept
        where not reporting
    ) as r
    join (
        -- Quartiles by rank: percentile_cont is not the same on every engine.
        select meter, avg(y) as mean, sqrt(avg((y - expected) * (y - expected))) as rmse,
               max(case when place = ceil(0.25 * n) then y end) as q1,
               max(case when place = ceil(0.5 * n) then y end) as median,
               max(case when place = ceil(0.75 * n) then y end) as q3
        from (
            select meter, y, expected, row_number() over (partition by meter order by y) as place,
                   count(*) over (partition by meter) as n
            from savings_kept
            where not reporting
        ) as ranked
        group by meter
    ) as q on q.meter = r.meter
    group by r.meter
) as e on e.meter = m.meter
left join (
    select s.meter as meter, sum(s.y) as observed, sum(s.expected) as expected, count(*) as rows,
           cast(sum(s.days) as bigint) as days,
           sum((s.y - s.expected) * (s.y - s.expected)) as reporting_sse,
           cast(sum(case when s.beyond then s.days else 0 end) as bigint) as beyond,
           count(case when s.y <= 0 and s.expected > greatest(0.25 * t.mean, 2 * t.rmse) then 1 end) as idle,
           sum(case when s.y <= 0 and s.expected > greatest(0.25 * t.mean, 2 * t.rmse) then s.expected else 0 end)
             / sum(s.expected) as idle_share,
           min(case when s.y <= 0 and s.expected > greatest(0.25 * t.mean, 2 * t.rmse) then s.day end) as idle_since
    from savings_kept as s
    join (
        select meter, avg(y) as mean, sqrt(avg((y - expected) * (y - expected))) as rmse
        from savings_kept
        where not reporting
        group by meter
    ) as t on t.meter = s.meter
    where s.reporting
    group by s.meter
) as p on p.meter = m.meter

-- name: carbon
-- CO2 of the avoided use [kg]: each day at the mean intensity of its hours, weighted by the use in them; a meter that is
-- not read by the hour at the plain mean of the days that a row holds; what has no intensity at that of the other days.
with intensity as (
    select r.point as carbon, date_trunc('hour', r.time) as hour, avg(r.value) as kg_a_kwh
    from readings as r
    where r.point in (select carbon from savings_meters) and r.quality < 3 and r.value is not null
    group by r.point, date_trunc('hour', r.time)
),
local_days as (
    select i.carbon as carbon, c.day as day, avg(i.kg_a_kwh) as kg_a_kwh
    from intensity as i
    join calendar as c on c.slot = i.hour
    group by i.carbon, c.day
),
days as (
    select a.meter as meter, c.day as day, sum(a.amount * i.kg_a_kwh) / sum(a.amount) as kg_a_kwh
    from amounts as a
    join savings_meters as m on m.meter = a.meter and m.carbon is not null
    join steps as s on s.meter = a.meter and s.every_s <= 3600
    join intensity as i on i.carbon = m.carbon and i.hour = date_trunc('hour', a.at)
    join calendar as c
      on c.slot = case when extract(minute from a.at) >= 30
                       then date_trunc('hour', a.at) + interval '30' minute
                       else date_trunc('hour', a.at) end
    where a.amount > 0 and a.meter >= $first and a.meter <= $last
    group by a.meter, c.day
),
told as (
    select p.meter as meter, min(p.expected - p.y) as avoided, min(m.flat_carbon) as flat,
           coalesce(min(case when p.days = 1 then d.kg_a_kwh end), avg(l.kg_a_kwh)) as kg_a_kwh
    from savings_priced as p
    join savings_meters as m on m.meter = p.meter
    left join days as d on d.meter = p.meter and d.day = p.day
    left join local_days as l
      on l.carbon = m.carbon and l.day >= p.day and l.day < p.day + p.days * interval '1' day
    where p.meter >= $first and p.meter <= $last
    group by p.meter, p.day
)
select t.meter as meter, sum(t.avoided * coalesce(t.flat, t.kg_a_kwh, w.kg_a_kwh)) as kg
from told as t
left join (select meter, avg(kg_a_kwh) as kg_a_kwh from told group by meter) as w on w.meter = t.meter
group by t.meter

-- name: worth
-- Money of the avoided use: each day, as it is priced, at the mean price of its hours, weighted by the use in them; a
-- meter that is not read by the hour, and a day without use, at the mean price of all hours since the measure.
with days as (
    select a.meter as meter, c.day as day, sum(a.amount * q.price) / sum(a.amount) as price
    from amounts as a
    join savings_tariffs as t on t.meter = a.meter
    join steps as s on s.meter = a.meter and s.every_s <= 3600
    join calendar as c
      on c.slot = case when extract(minute from a.at) >= 30
                       then date_trunc('hour', a.at) + interval '30' minute
                       else date_trunc('hour', a.at) end
    join savings_prices as q on q.tariff = t.tariff and q.slot = c.slot
    where a.amount > 0 and a.meter >= $first and a.meter <= $last
    group by a.meter, c.day
)
select p.meter as meter, sum((p.expected - p.y) * coalesce(d.price, w.price)) as money
from savings_priced as p
join savings_tariffs as t on t.meter = p.meter
join savings_meters as m on m.meter = p.meter
join (
    select q.tariff as tariff, m.meter as meter, avg(q.price) as price
    from savings_prices as q
    join savings_tariffs as t on t.tariff = q.tariff
    join savings_meters as m on m.meter = t.meter
    join calendar as c on c.slot = q.slot and c.day >= m.reporting and c.day < m.until
    group by q.tariff, m.meter
) as w on w.meter = p.meter
left join days as d on d.meter = p.meter and d.day = p.day and p.days = 1
where p.meter >= $first and p.meter <= $last
group by p.meter

-- name: worth_slots
-- Half-hours of a meter's compared days, or bills, in order: what was used in each, and in all of the day and expected.
select c.slot as slot, p.day as since, c.day as day, c.minute as minute, c.weekday as weekday, c.holiday as holiday,
       p.y as y, p.expected as expected, coalesce(u.used, 0) as used, s.every_s <= 3600 and p.days = 1 as finely
from savings_priced as p
join steps as s on s.meter = p.meter
join calendar as c on c.day >= p.day and c.day < p.day + cast(p.days as integer)
left join (
    select case when extract(minute from a.at) >= 30
                then date_trunc('hour', a.at) + interval '30' minute
                else date_trunc('hour', a.at) end as slot, sum(a.amount) as used
    from amounts as a
    where a.meter = $meter and a.amount > 0
    group by 1
) as u on u.slot = c.slot
where p.meter = $meter
order by c.slot

-- name: hourly_calendar
-- Every hour of the calendar; `whole`: its day is one of savings_days.
select c.slot as slot, c.day as day, c.minute as minute, c.weekday as weekday, c.holiday as holiday,
       s.day is not null as whole
from calendar as c
left join savings_days as s on s.day = c.day
where extract(minute from c.slot) = 0
order by c.slot

-- name: hourly_weather
select h.temperature as temperature, h.hour as hour, h.degree_c * 1.8 + 32 as degree_f
from (
    select r.point as temperature, date_trunc('hour', r.time) as hour, avg(r.value) as degree_c
    from savings_sky as r
    group by r.point, date_trunc('hour', r.time)
) as h
order by h.temperature, h.hour

-- name: hourly_meters
-- Some meters, those that are read by the hour or finer.
select m.meter as meter, m.temperature as temperature, m.zeros_missing as zeros_missing, m.first_day as first_day,
       m.intervention as intervention, m.reporting as reporting, m.until as until, p.every_s as every_s
from savings_meters as m
join steps as p on p.meter = m.meter
where p.every_s <= 3600 and m.meter >= $first and m.meter <= $last
order by m.meter

-- name: hourly_amounts
-- What the readings of all meters from $first to $last add. An hour whose use is not known but spread is none.
select a.meter as meter, a.at + to_microseconds(m.early_us) as at, a.amount as amount
from amounts as a
join savings_meters as m on m.meter = a.meter
where a.meter >= $first and a.meter <= $last and a.amount is not null and not a.spread

-- name: begin_hourly
create or replace table savings_predicted (
    meter varchar, day date, days integer, reporting boolean, y double, t double, expected double, beyond boolean
)

-- name: add_hourly
-- Hours that a model has told, by day.
insert into savings_predicted
select h.meter as meter, h.day as day, 1 as days, h.reporting as reporting, h.y as y, h.t as t,
       h.expected as expected, h.t < t.coldest or h.t > t.warmest as beyond
from savings_told as h
join savings_totals as t on t.meter = h.meter

-- name: driven_beyond
update savings_predicted as p set beyond = true
from savings_driven as v where v.meter = p.meter and v.day = p.day and v.beyond

-- name: bills
-- Periods of the meters that are read by the month, in local days: an amount lasts until the next read, a
-- counter's rise from one read to the next. A reading without a value, a second before a period's end, says where an
-- amount ends that no other follows at once; `until` is null where nothing says it. Finer meters are put together by
-- calendar month; one with less than nine days in ten has no amount.
select b.meter as meter, b.day as day, b.until as until, b.amount as amount, b.estimated as estimated
from (
    select r.point as meter, c.day as day, r.value as value, m.kind as kind,
           lead(case when r.value is null then cast(c.local + (r.time - c.slot) + interval '1' second as date)
                     else c.day end) over (partition by r.point order by r.time) as until,
           case when m.kind = 'counter' then lead(r.value) over (partition by r.point order by r.time) - r.value
                else r.value end as amount,
           case when m.kind = 'counter' then lead(r.quality) over (partition by r.point order by r.time)
                else r.quality end = 1 as estimated
    from readings as r
    join savings_meters as m on m.meter = r.point
    join steps as p on p.meter = r.point and p.every_s > 864000
    join calendar as c
      on c.slot = case when extract(minute from r.time) >= 30
                       then date_trunc('hour', r.time) + interval '30' minute
                       else date_trunc('hour', r.time) end
    where m.kind in ('interval', 'counter')
      and ((r.quality < 3 and r.value is not null) or (m.kind = 'interval' and r.value is null))
) as b
where b.value is not null and (b.kind = 'interval' or (b.until is not null and b.amount is not null))
union all
select d.meter as meter, cast(date_trunc('month', d.day) as date) as day,
       cast(date_trunc('month', d.day) + interval '1' month as date) as until,
       case when count(d.y) >= 0.9 * count(*) then avg(d.y) * count(*) end as amount, false as estimated
from savings_daily as d
join steps as p on p.meter = d.meter and p.every_s <= 864000
group by d.meter, date_trunc('month', d.day)
having count(d.y) > 0 and count(*) >= extract(day from cast(date_trunc('month', min(d.day)) + interval '1' month as date) - interval '1' day)
order by meter, day

-- name: series
-- Observed and expected use of one meter, day by day, and whether the day is in the account.
select p.day, p.y, p.expected, p.reporting, k.day is not null as kept
from savings_predicted as p
left join savings_kept as k on k.meter = p.meter and k.day = p.day
where p.meter = $meter
order by p.day
