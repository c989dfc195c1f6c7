-- Every setting and group of settings has its column in caseload and newplans, and one row in each
-- table that is broken down by type of placement; the row waits for a register when the kind does.
with

settings as (
    select distinct
        'setting' as characteristic,
        published_column as value,
        is_setting_code or kind = 'nothing_usable' as is_told_by_code,
    from {{ ref('setting_columns') }}
    where kind <> 'unknown'
    union
    select
        'setting_group',
        published_group,
        bool_and(is_setting_code or kind = 'nothing_usable'),
    from {{ ref('setting_columns') }}
    where kind <> 'unknown'
    group by published_group
    having count(distinct published_column) > 1
),

columns_needed as (
    select
        datasets.dataset,
        settings.value,
    from (values ('caseload'), ('newplans')) as datasets (dataset)
    cross join settings
),

datasets_with_rows as (
    select distinct dataset from {{ ref('published_breakdowns') }}
    where characteristic = 'setting'
),

rows_found as (
    select
        datasets_with_rows.dataset,
        settings.value,
        count(breakdowns.position) as rows_count,
        count(*) filter (breakdowns.resolved_by is null = settings.is_told_by_code) as rows_right,
    from datasets_with_rows
    cross join settings
    left join {{ ref('published_breakdowns') }} as breakdowns
        on datasets_with_rows.dataset = breakdowns.dataset
            and settings.characteristic = breakdowns.characteristic
            and settings.value = breakdowns.value
    group by all
)

select
    dataset,
    value,
from columns_needed
anti join {{ ref('published_columns') }} as published_columns
    on columns_needed.dataset = published_columns.dataset
        and columns_needed.value = published_columns.figure
union all
select
    dataset,
    value,
from rows_found
where rows_count <> 1 or rows_right <> 1
