-- One row per return with published figures: its authority, its days, how its periods are written.
{% set items = {
    'has_reviews': ('active_plans', 'review_meeting'),
    'has_phase_transfers': ('active_plans', 'phase_transfer_due_date'),
    'has_social_care_officer': ('sen2', 'dsco'),
} %}
with

-- Those of the years with a person level return alone.
returns as (
    select
        sen2.return_id,
        sen2.lea,
        collections.collection_year,
        collections.survey_day,
        collections.period_start as year_start,
        collections.calendar_year_end as year_end,
    from {{ ref('sen2') }} as sen2
    inner join {{ ref('collections') }} as collections
        on try_cast(sen2.year as integer) = collections.collection_year
    where collections.has_person_level and not collections.has_aggregated
),

collected as (
    select
        returns.return_id,
        {% for name, item in items.items() %}
            bool_or(items.table_name = '{{ item[0] }}' and items.column_name = '{{ item[1] }}')
                as {{ name }},
        {% endfor %}
    from returns
    inner join {{ ref('items') }} as items
        on returns.collection_year between items.year_from and items.year_to
    group by returns.return_id
)

select
    returns.* exclude (lea),
    releases.release,
    limits.age_reference_date,
    limits.decide_days,
    limits.refuse_days,
    limits.issue_days,
    limits.year_after_days,
    limits.review_days,
    limits.school_age_from,
    limits.school_age_to,
    collected.* exclude (return_id),
    format('{}{:02d}', returns.collection_year - 1, returns.collection_year % 100)
        as academic_year,
    (returns.collection_year - 1)::varchar as calendar_year,
    returns.collection_year::varchar as survey_year,
    coalesce(authorities.region_code, 'x') as region_code,
    coalesce(authorities.region_name, 'x') as region_name,
    coalesce(authorities.new_la_code, 'x') as new_la_code,
    coalesce(returns.lea, 'x') as old_la_code,
    coalesce(authorities.la_name, 'x') as la_name,
from returns
inner join {{ ref('year_limits') }} as limits
    on returns.collection_year = limits.collection_year
inner join collected on returns.return_id = collected.return_id
inner join {{ ref('published_releases') }} as releases
    on returns.collection_year between releases.year_from and releases.year_to
left join {{ ref('local_authorities') }} as authorities
    on returns.lea = authorities.old_la_code
        and returns.collection_year between authorities.year_from and authorities.year_to
