-- What each reading of a meter of use adds [kWh or m3], whatever kind of meter it is. Handed in:
--   asked_meters(meter, kind, every_s)

-- name: intervals
-- What each reading adds to its day. An interval adds its amount ...
select r.point as meter, r.time as at, r.value as amount
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'interval' and r.quality < 3 and r.value is not null

-- name: counters
-- ... a counter its rise until the next reading, unless it fell or was silent for more than a day ...
select c.meter as meter, c.at as at,
       case when c.following >= c.value and c.next_at <= c.at + interval '26' hour
            then c.following - c.value end as amount
from (
    select r.point as meter, r.time as at, r.value as value,
           lead(r.value) over (partition by r.point order by r.time) as following,
           lead(r.time) over (partition by r.point order by r.time) as next_at
    from readings as r
    join asked_meters as m on m.meter = r.point
    where m.kind = 'counter' and r.quality < 3 and r.value is not null
) as c

-- name: powers
-- ... and a power its mean over its slot.
select r.point as meter, r.time as at, r.value * m.every_s / 3600 as amount
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'gauge' and m.every_s is not null and r.quality < 3 and r.value is not null
