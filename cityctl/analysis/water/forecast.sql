-- Mean inflow of each zone in each hour of the local day; the view night_flows is night_flow.sql's.
-- use: quarters

-- name: hours
select f.point as point, s.day as day, s.hour as hour, avg(f.flow) as flow
from night_flows as f
join quarters as s on s.quarter = epoch_us(f.at) // 900000000
group by f.point, s.day, s.hour
