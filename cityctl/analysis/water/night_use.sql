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
-- Mean pressure of a zone's sensors in the night's window [bar].
select g.zone as zone, p.night as night, avg(p.window_flow / p.window_readings) as pressure
from night_parts as p
join night_gauges as g on g.point = p.point
where p.window_readings > 0
group by g.zone, p.night

-- name: heads_by_hour
-- Mean pressure of a zone's sensors in each hour of the local day, over that of the night of the same day: pressure that
-- was set anew meanwhile is no pressure that changes by the hour.
select g.zone as zone, c.hour as hour, avg(f.flow / n.pressure) as share
from night_flows as f
join night_gauges as g on g.point = f.point
join quarters as c on c.quarter = epoch_us(f.at) // 900000000
join (
    select h.zone as zone, p.night as night, avg(p.window_flow / p.window_readings) as pressure
    from night_parts as p
    join night_gauges as h on h.point = p.point
    where p.window_readings > 0
    group by h.zone, p.night
) as n on n.zone = g.zone and n.night = c.day
where n.pressure > 0 and c.day between $first and $last
group by g.zone, c.hour
