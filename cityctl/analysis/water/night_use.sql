-- What stands beside night flow: customers' use in the night's window, and pressure by hours. The nights themselves are
-- night_flow.sql's. Handed in: night_customers(point, zone), night_gauges(point, zone); both are among night_points.
-- use: night_flow
-- use: quarters

-- name: customers_by_night
-- Use of customers in the night's window, and how many of their meters told [m3/h].
select c.zone as zone, p.night as night, sum(p.window_flow / p.window_readings) as flow, count(*) as meters
from night_parts as p
join night_customers as c on c.point = p.point
where p.window_readings > 0
group by c.zone, p.night

-- name: heads_by_night
-- Of each sensor in the night's window: the median of its readings [bar], which a spike leaves as it is, and whether all
-- of the 24 hours up to its end stand at one value.
select w.zone as zone, w.point as point, w.night as night, w.pressure as pressure, p.still as still
from (
    select g.zone as zone, g.point as point, s.night as night,
           percentile_cont(0.5) within group (order by f.flow) as pressure
    from night_flows as f
    join night_gauges as g on g.point = f.point
    join night_slots as s on s.slot = epoch_us(f.at) // 900000000
    where s.inside
    group by g.zone, g.point, s.night
) as w
join (
    select point, night, min(least) = max(most) as still from night_parts group by point, night
) as p on p.point = w.point and p.night = w.night

-- name: heads_by_hour
-- Mean pressure of a zone's sensors in each hour of the local day, over that of the night of the same day: pressure that
-- was set anew meanwhile is no pressure that changes by the hour. Handed in: night_heads(point, night, own, zone_head),
-- the nights of sensors that can be believed and those of their zones [bar]; each is told from its own night.
select s.zone as zone, s.hour as hour, avg(s.share) as share
from (
    select g.zone as zone, g.point as point, c.hour as hour, avg(1 + (f.flow - n.own) / n.zone_head) as share
    from night_flows as f
    join night_gauges as g on g.point = f.point
    join quarters as c on c.quarter = epoch_us(f.at) // 900000000
    join night_heads as n on n.point = f.point and n.night = c.day
    where n.zone_head > 0 and f.flow > 0 and c.day between $first and $last
    group by g.zone, g.point, c.hour
) as s
group by s.zone, s.hour
