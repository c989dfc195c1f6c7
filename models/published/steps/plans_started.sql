-- One row per plan new in the calendar year, per return: one transferred in is not new.
select * from {{ ref('plans_described') }}
where
    start_date between year_start and year_end
    and is_transferred_in is not true
