-- Sums over the sustained interruptions of the interval. Handed in: outages(zone, cause, customers, minutes, major).

-- name: by_cause
select coalesce(nullif(o.cause, ''), 'not told') as cause, count(*) as interruptions,
       sum(o.customers) as customers, sum(o.customers * o.minutes) as customer_minutes
from outages as o
where o.minutes > $sustained
group by coalesce(nullif(o.cause, ''), 'not told')
order by customer_minutes desc, cause

-- name: by_zone
select o.zone as zone, count(*) as interruptions,
       sum(o.customers) as customers, sum(o.customers * o.minutes) as customer_minutes,
       sum(case when o.major then o.customers * o.minutes else 0 end) as major_minutes
from outages as o
where o.minutes > $sustained and o.zone is not null
group by o.zone
order by customer_minutes desc, zone
