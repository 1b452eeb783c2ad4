-- Substations by the windows of their volume and heat, the temperatures of the same hours, and the network by days.
-- use: day_sums

-- name: substation
-- Spans in which volume and heat were metered for the same time: hours, counted from the interval's start, or the
-- readings of the one that is read less often. Temperatures are means by volume; where that is told for more than an
-- hour at once, nobody knows how warm the water was that flowed.
with hours as (
    select d.meter as meter, time_bucket(interval '1' hour, d.at, $start) as hour, min(d.at) as at,
           sum(d.amount) as amount, sum(d.held) as held
    from windows as d
    where d.meter in ($volume, $heat) and d.at >= $start and d.at < $until
    group by d.meter, time_bucket(interval '1' hour, d.at, $start)
),
longest as (
    select h.meter as meter from hours as h group by h.meter order by max(h.held) desc, h.meter = $heat desc limit 1
),
spans as (
    select o.meter as meter, o.at as at, o.amount as amount, o.held as held,
           case when o.held <= 3600 then o.hour else o.at end as since,
           case when o.held <= 3600 then o.hour + interval '1' hour
                when abs(epoch(o.next) - epoch(o.at) - o.held) <= 3600 then o.next  -- days of 23 and of 25 hours
                else o.at + to_seconds(o.held) end as until
    from (
        select h.meter as meter, h.hour as hour, h.at as at, h.amount as amount, h.held as held,
               lead(h.at) over (order by h.at) as next
        from hours as h
        join longest as l on l.meter = h.meter
    ) as o
),
paired as (
    select s.at as at, s.held as held, any_value(s.meter) = $heat as of_heat, any_value(s.amount) as amount,
           sum(f.amount) as within, sum(f.held) as held_within,
           any_value(epoch(s.until) - epoch(s.since)) as seconds, min(s.since) as since, min(s.until) as until
    from spans as s
    join hours as f on f.meter <> s.meter and f.at >= s.since and f.at < s.until
    group by s.at, s.held
)
select p.at as at, p.held as held,
       any_value(case when p.of_heat then p.within else p.amount end) as volume,
       any_value(case when p.of_heat then p.amount else p.within end) as heat,
       sum(v.amount * w.degree_c) / nullif(sum(v.amount) filter (where w.degree_c is not null), 0) as warm,
       sum(v.amount * c.degree_c) / nullif(sum(v.amount) filter (where c.degree_c is not null), 0) as cold
from paired as p
left join hours as v on v.meter = $volume and v.held <= 3600 and v.at >= p.since and v.at < p.until
left join hourly_temperatures as w on w.point = $warm and w.hour = v.hour
left join hourly_temperatures as c on c.point = $cold and c.hour = v.hour
where abs(p.held_within - p.held) < 1 or (p.held > 3600 and abs(p.held_within - p.seconds) < 1)
group by p.at, p.held
order by p.at

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
