-- One row per plan that ceased in the calendar year, per return.
select * from {{ ref('plans_described') }}
where cease_date between year_start and year_end
