-- What stands beside night flow: customers' use in the night's window, and pressure by hours. The nights themselves are
-- night_flow.sql's. Handed in: night_customers(point, zone), night_gauges(point, zone); both are among night_points.
-- use: night_flow

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
-- Mean pressure of a zone's sensors in each hour of the local day [bar].
select g.zone as zone, cast(floor(c.minute / 60.0) as integer) as hour, avg(f.flow) as pressure
from night_flows as f
join night_gauges as g on g.point = f.point
join calendar as c
  on c.slot = case when extract(minute from f.at) >= 30
                   then date_trunc('hour', f.at) + interval '30' minute
                   else date_trunc('hour', f.at) end
group by g.zone, cast(floor(c.minute / 60.0) as integer)
