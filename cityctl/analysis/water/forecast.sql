-- Mean inflow of each zone in each hour of the local day; the view night_flows is night_flow.sql's.

-- name: hours
-- By quarter hours: the calendar's half-hours of UTC begin at a quarter past where local time is 05:45 ahead.
select f.point as point, s.day as day, s.hour as hour, avg(f.flow) as flow
from night_flows as f
join (
    select epoch_us(slot) // 900000000 as quarter, day, minute // 60 as hour
    from calendar
    union all
    select epoch_us(slot) // 900000000 + 1,
           case when minute < 1425 then day else cast(day + interval '1' day as date) end, (minute + 15) % 1440 // 60
    from calendar
) as s on s.quarter = epoch_us(f.at) // 900000000
group by f.point, s.day, s.hour
