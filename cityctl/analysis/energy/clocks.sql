-- Clocks that fall now before, now after the slot that they mean. Handed in: timed_points(point, every_us).

-- name: clocks
-- How far the stamps of such a point are set on: a minute, or a fifteenth of its step where that is less. 06:59:58 is
-- then of the quarter that begins at 07:00, as 07:00:03 is. A clock that is always early, or always late, is left alone.
create or replace table clocks as
select p.point as point,
       case when bool_or(p.phase < p.early) and bool_or(p.phase >= p.every_us - p.early) 
            then max(p.early) else 0 end as early_us
from (
    select t.point as point, t.every_us as every_us, epoch_us(r.time) % t.every_us as phase,
           least(60000000, t.every_us // 15) as early
    from timed_points as t
    join readings as r on r.point = t.point
) as p
group by p.point
