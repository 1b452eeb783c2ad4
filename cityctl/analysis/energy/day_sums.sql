-- Windows of use summed by local day, with what flowed back (below zero) apart, and those of a few meters as they are.
-- use: windows
-- use: amounts

-- name: day_sums
select w.meter as meter, cast(c.local + (w.at - c.slot) as date) as day, sum(w.amount) as amount,
       sum(greatest(-w.amount, 0)) as back, sum(w.held) as held
from windows as w
join calendar as c
  on c.slot = case when extract(minute from w.at) >= 30
                   then date_trunc('hour', w.at) + interval '30' minute
                   else date_trunc('hour', w.at) end
group by w.meter, cast(c.local + (w.at - c.slot) as date)

-- name: window_rows
-- Use of the shown meters in windows of $width minutes, which `windows` are as long as or parts of.
select w.meter as meter,
       date_trunc('hour', w.at)
         + cast(floor(extract(minute from w.at) / $width) * $width as integer) * interval '1' minute as at,
       sum(w.amount) as amount, sum(w.held) as held, sum(w.spread) as spread
from windows as w
join shown_meters as s on s.meter = w.meter
group by w.meter, date_trunc('hour', w.at)
         + cast(floor(extract(minute from w.at) / $width) * $width as integer) * interval '1' minute
order by 1, 2
