-- What each reading of a meter of use adds [kWh or m3], whatever kind of meter it is. Handed in:
--   asked_meters(meter, kind, every_s)

-- name: intervals
-- What each reading adds to its day. An interval adds its amount ...
select r.point as meter, r.time as at, r.value as amount, false as spread
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'interval' and r.quality < 3 and r.value is not null

-- name: counters
-- ... a counter what it counted until the next reading, unless it was silent for more than a day; the store's view
-- `counted` knows of roll-overs, resets, exchanges, zeros and codes. What it counted over missing readings is `spread`
-- evenly over them: it was used, but nobody knows when ...
select t.point as meter,
       make_timestamp(t.since_us + t.place * (t.until_us - t.since_us) // t.steps) as at,
       t.amount / t.steps as amount, t.steps > 1 as spread
from (
    select k.point as point, k.since_us as since_us, k.until_us as until_us, k.amount as amount, k.steps as steps,
           unnest(range(k.steps)) as place
    from (
        select c.point as point, epoch_us(c.since) as since_us, epoch_us(c.until) as until_us,
               case when c.until <= c.since + interval '26' hour then c.amount end as amount,
               case when c.until <= c.since + interval '26' hour
                    then greatest(1, cast(round((epoch_us(c.until) - epoch_us(c.since)) / 1e6 / s.every_s) as bigint))
                    else 1 end as steps
        from counted_here as c
        join counter_steps as s on s.meter = c.point
    ) as k
) as t

-- name: counted_all
-- What all counters counted ...
create or replace view counted_here as
select c.point as point, c.since as since, c.until as until, c.amount as amount from counted as c where c.quality < 3

-- name: counted_rows
create or replace table counted_rows as
select c.point as point, c.since as since, c.until as until, c.amount as amount
from counted_between($first, $last) as c
where c.quality < 3

-- name: counted_part
-- ... or those of a part of the meters.
create or replace view counted_here as select c.* from counted_rows as c

-- name: counter_steps
-- The time between two readings of a counter, as city.yaml says.
create or replace table counter_steps as
select m.meter as meter, m.every_s as every_s
from asked_meters as m
where m.kind = 'counter'

-- name: usual_steps
-- The same, and of counters of which city.yaml does not say it the usual one.
create or replace table counter_steps as
select m.meter as meter, coalesce(min(m.every_s), median((epoch_us(c.until) - epoch_us(c.since)) / 1e6)) as every_s
from asked_meters as m
left join counted as c on c.point = m.meter and m.every_s is null
where m.kind = 'counter'
group by m.meter

-- name: powers
-- ... and a power its mean over its slot.
select r.point as meter, r.time as at, r.value * m.every_s / 3600 as amount, false as spread
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'gauge' and m.every_s is not null and r.quality < 3 and r.value is not null
