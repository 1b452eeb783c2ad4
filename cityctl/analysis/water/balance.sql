-- The water balance: what flowed through meters within an interval [m3], whatever kind of meter it is, and how much of it was metered.
-- Handed in: volume_points(point, kind, every_s); $since and $until of UTC.

-- name: volumes_read
-- A volume of an interval counts as it is; a flow holds until the next reading, for an hour or its slot at most.
with taken as (
    select r.point as point, p.kind as kind, r.time as time, r.value as value, s.every_s as every_s
    from readings as r
    join volume_points as p on p.point = r.point
    join (
        select p.point as point, coalesce(max(p.every_s), 86400.0 / greatest(1, max(d.readings))) as every_s
        from volume_points as p
        left join (
            select point, date_trunc('day', time) as day, count(*) as readings
            from readings
            group by point, date_trunc('day', time)
        ) as d on d.point = p.point
        group by p.point
    ) as s on s.point = p.point
    where p.kind <> 'counter' and r.quality < 3 and r.value is not null and r.time >= $since and r.time < $until
)
select point, sum(value) as volume, sum(every_s) as held
from taken
where kind = 'interval'
group by point
union all
select point, sum(value * held / 3600) as volume, sum(held) as held
from (
    select point, value,
           least(extract(epoch from lead(time, 1, $until) over (partition by point order by time))
                 - extract(epoch from time), greatest(every_s, 3600)) as held
    from taken
    where kind <> 'interval'
) as f
group by point

-- name: volumes_counted
-- What a register counted; a step over an end of the interval is divided by time.
select c.point as point, sum(c.amount * c.held / c.whole) as volume, sum(c.held) as held
from (
    select c.point as point, c.amount as amount,
           extract(epoch from c.until) - extract(epoch from c.since) as whole,
           extract(epoch from least(c.until, $until)) - extract(epoch from greatest(c.since, $since)) as held
    from counted as c
    join volume_points as p on p.point = c.point
    where p.kind = 'counter' and c.amount is not null and c.until > $since and c.since < $until
) as c
group by c.point

-- name: mean_pressures
-- Mean pressure of each gauge over the interval [bar]. Handed in: head_points(point).
select r.point as point, avg(r.value) as pressure
from readings as r
join head_points as p on p.point = r.point
where r.quality < 2 and r.value is not null and r.time >= $since and r.time < $until
group by r.point
