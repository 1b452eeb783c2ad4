-- Substations by the windows of their volume and heat, the temperatures of the same hours, and the network by days.
-- use: day_sums

-- name: substation
-- Hours, counted from the interval's start, in which volume and heat were metered for the same time, with their mean
-- temperatures.
with hours as (
    select d.meter as meter, time_bucket(interval '1' hour, d.at, $start) as hour, min(d.at) as at,
           sum(d.amount) as amount, sum(d.held) as held
    from windows as d
    where d.meter in ($volume, $heat) and d.at >= $start and d.at < $until
    group by d.meter, time_bucket(interval '1' hour, d.at, $start)
)
select v.at as at, v.held as held, v.amount as volume, h.amount as heat, w.degree_c as warm, c.degree_c as cold
from hours as v
join hours as h on h.meter = $heat and h.hour = v.hour and h.held = v.held
left join hourly_temperatures as w on w.point = $warm and w.hour = v.hour
left join hourly_temperatures as c on c.point = $cold and c.hour = v.hour
where v.meter = $volume
order by v.at

-- name: temperatures
create or replace table hourly_temperatures as
select r.point as point, time_bucket(interval '1' hour, r.time, $start) as hour, avg(r.value) as degree_c
from readings as r
join temperature_points as t on t.point = r.point
where r.quality < 3 and r.value is not null
group by r.point, time_bucket(interval '1' hour, r.time, $start)

-- name: registers
-- The volume and both m³ x °C registers of a heat meter at the instants that all three have.
select v.time as at, v.value as volume, w.value as warm, c.value as cold
from readings as v
join readings as w on w.point = $warm and w.time = v.time and w.quality < 3 and w.value is not null
join readings as c on c.point = $cold and c.time = v.time and c.quality < 3 and c.value is not null
where v.point = $volume and v.quality < 3 and v.value is not null and v.time >= $start and v.time <= $until
order by v.time
