-- The calendar by quarter hours.

-- name: quarters
-- The calendar's half-hours of UTC begin at a quarter past where local time is 05:45 ahead.
create or replace view quarters as
select epoch_us(slot) // 900000000 as quarter, day, minute // 60 as hour
from calendar
union all
select epoch_us(slot) // 900000000 + 1,
       case when minute < 1425 then day else cast(day + interval '1' day as date) end, (minute + 15) % 1440 // 60
from calendar
