-- What each reading of a meter of use adds [kWh or m3], whatever kind of meter it is. Handed in:
--   asked_meters(meter, kind, every_s)

-- name: intervals
-- What each reading adds to its day. An interval adds its amount ...
select r.point as meter, r.time as at, r.value as amount
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'interval' and r.quality < 3 and r.value is not null

-- name: counters
-- ... a counter what it counted until the next reading, unless it was silent for more than a day; the store's view
-- `counted` knows of roll-overs, resets, exchanges, zeros and codes ...
select c.point as meter, c.since as at,
       case when c.until <= c.since + interval '26' hour then c.amount end as amount
from counted as c
join asked_meters as m on m.meter = c.point
where m.kind = 'counter' and c.quality < 3

-- name: powers
-- ... and a power its mean over its slot.
select r.point as meter, r.time as at, r.value * m.every_s / 3600 as amount
from readings as r
join asked_meters as m on m.meter = r.point
where m.kind = 'gauge' and m.every_s is not null and r.quality < 3 and r.value is not null
