-- One row per return, published table, row of it and figure: every table of the schema, in one
-- shape.
{% set tables = {
    'caseload': ('breakdown_topic', 'breakdown'),
    'newplans': ('breakdown_topic', 'breakdown'),
    'published_requests': ('breakdown_topic', 'breakdown'),
    'assessments': ('breakdown_topic', 'breakdown'),
    'timeliness_20_week': ('breakdown_topic', 'breakdown'),
    'sen_needs_all_plans': ('breakdown_topic', 'breakdown'),
    'sen_need_newplans': ('breakdown_topic', 'breakdown'),
    'ceased_plans': ('breakdown_topic', 'breakdown'),
    'annual_reviews': ('breakdown_topic', 'breakdown'),
    'personal_budgets': ('breakdown_topic', 'breakdown'),
    'residential_settings': ('breakdown_topic', 'breakdown'),
    'work_based_placements': ('breakdown_topic', 'breakdown'),
    'sen2_dmo_dco': ('null', 'null'),
    'phase_transfers': ('null', 'null'),
    'sen2_age_caseload': ('null', 'characteristic_age'),
    'sen2_age_new_plans': ('null', 'characteristic_age'),
    'sen2_estab_caseload': ('establishment_group', 'establishment_type'),
    'sen2_estab_new_plans': ('establishment_group', 'establishment_type'),
    'sen2_mi': ('null', 'null'),
    'sen2_wbp_residential_dmo': ('null', 'null'),
} %}
with

values_of_tables as (
    {% for table, row in tables.items() %}
        select
            return_id,
            '{{ table | replace("published_", "") }}' as dataset,
            topic as breakdown_topic,
            place as breakdown,
            name,
            value,
        from (
            unpivot (
                select
                    * exclude (
                        time_period, time_identifier, geographic_level, country_code, country_name,
                        region_code, region_name, new_la_code, old_la_code, la_name
                        {%- for column in row if column != 'null' %}, {{ column }}{% endfor %}
                    ),
                    {{ row[0] }}::varchar as topic,
                    {{ row[1] }}::varchar as place,
                from {{ ref(table) }}
            )
            on columns(* exclude (return_id, topic, place))
            into name name value value
        )
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

columns_released as (
    select
        release,
        dataset,
        figure,
        position as column_position,
    from {{ ref('published_columns') }}
    union all
    select
        release,
        dataset,
        column_name as figure,
        position,
    from {{ ref('published_columns_2022') }}
)

select
    tables.return_id,
    row_number() over (
        partition by tables.return_id
        order by
            datasets.position,
            {{ is_total_row(
                'tables.breakdown_topic', 'tables.breakdown', 'datasets.total_row'
            ) }} desc,
            breakdowns.position,
            tables.breakdown_topic,
            tables.breakdown,
            released.column_position
    ) as position,
    tables.dataset,
    tables.breakdown_topic,
    {{ row_in_words('tables.breakdown_topic', 'tables.breakdown', 'datasets.total_row') }}
        as breakdown,
    {{ is_total_row('tables.breakdown_topic', 'tables.breakdown', 'datasets.total_row') }}
        as is_total,
    released.figure,
    tables.value,
    try_cast(tables.value as double) as number,
from values_of_tables as tables
inner join {{ ref('published_datasets') }} as datasets on tables.dataset = datasets.dataset
-- A return has the figures of its release.
inner join {{ ref('returns_compared') }} as returns on tables.return_id = returns.return_id
inner join columns_released as released
    on returns.release = released.release
        and tables.dataset = released.dataset
        and tables.name = released.figure
left join {{ ref('published_breakdowns') }} as breakdowns
    on tables.dataset = breakdowns.dataset
        and tables.breakdown_topic = breakdowns.breakdown_topic
        and tables.breakdown = breakdowns.breakdown
-- And the rows of its release.
where
    breakdowns.dataset is null
    or returns.release between breakdowns.release_from and breakdowns.release_to
