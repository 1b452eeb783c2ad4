-- Mean inflow of each zone in each hour of the local day; the view night_flows is night_flow.sql's.
-- use: quarters

-- name: hours
-- What was counted within an hour that begins within one of the clock's belongs to both of these, quarter by quarter.
select f.point as point, s.day as day, s.hour as hour, avg(f.flow) as flow
from night_flows as f
join (
    select p.point as point, q.part as part
    from night_points as p
    join (values (0), (1), (2), (3)) as q(part)
      on q.part = 0 or (p.kind <> 'gauge' and p.every_s <= 3600 and q.part * 900 < p.every_s)
) as q on q.point = f.point
join quarters as s on s.quarter = epoch_us(f.at) // 900000000 + q.part
group by f.point, s.day, s.hour
