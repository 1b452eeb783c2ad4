-- Mean inflow of each zone in each hour of the local day; the view night_flows is night_flow.sql's.

-- name: hours
select f.point as point, c.day as day, cast(floor(c.minute / 60.0) as integer) as hour, avg(f.flow) as flow
from night_flows as f
join calendar as c
  on c.slot = case when extract(minute from f.at) >= 30
                   then date_trunc('hour', f.at) + interval '30' minute
                   else date_trunc('hour', f.at) end
group by f.point, c.day, cast(floor(c.minute / 60.0) as integer)
