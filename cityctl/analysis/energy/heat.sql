-- Substations by the windows of their volume and heat, the temperatures of the same hours, and the network by days.
-- use: day_sums

-- name: substation
-- Hours in which volume and heat were metered for the same time, with their mean temperatures.
with hours as (
    select d.meter as meter, date_trunc('hour', d.at) as at, sum(d.amount) as amount, sum(d.held) as held
    from windows as d
    where d.meter in ($volume, $heat)
    group by d.meter, date_trunc('hour', d.at)
)
select v.at as at, v.held as held, v.amount as volume, h.amount as heat, w.degree_c as warm, c.degree_c as cold
from hours as v
join hours as h on h.meter = $heat and h.at = v.at and h.held = v.held
left join hourly_temperatures as w on w.point = $warm and w.hour = v.at
left join hourly_temperatures as c on c.point = $cold and c.hour = v.at
where v.meter = $volume and v.at >= $start and v.at < $until
order by v.at

-- name: temperatures
create or replace table hourly_temperatures as
select r.point as point, date_trunc('hour', r.time) as hour, avg(r.value) as degree_c
from readings as r
join temperature_points as t on t.point = r.point
where r.quality < 3 and r.value is not null
group by r.point, date_trunc('hour', r.time)

-- name: registers
-- The volume and both m³ x °C registers of a heat meter at the instants that all three have.
select v.time as at, v.value as volume, w.value as warm, c.value as cold
from readings as v
join readings as w on w.point = $warm and w.time = v.time and w.quality < 3 and w.value is not null
join readings as c on c.point = $cold and c.time = v.time and c.quality < 3 and c.value is not null
where v.point = $volume and v.quality < 3 and v.value is not null and v.time >= $start and v.time <= $until
order by v.time
