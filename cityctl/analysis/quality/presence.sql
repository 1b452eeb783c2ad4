-- Readings of each point: how many, how good, since when silent, and the longest silence between two of them.

-- name: presence
with heard as (
    select r.point as point, r.time as at, r.value as value, r.quality as quality,
           lag(r.time) over (partition by r.point order by r.time) as before
    from readings as r
)
select h.point as point, count(*) as readings,
       count(case when h.value is not null and h.quality < 3 then 1 end) as usable,
       count(case when h.quality = 1 then 1 end) as estimated,
       count(case when h.quality = 2 then 1 end) as suspect,
       min(h.at) as first_heard, max(h.at) as last_heard, max(h.at - h.before) as silence
from heard as h
group by h.point
